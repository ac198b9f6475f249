"""A pool of CamVid photos moves from one server to a fresh one, which is killed twice while it takes it in.

    python -m benchmarks.pool_move --data camvid --out benchmarks/results/pool_move.json

Both servers are what `fewpairs up` starts. The first gets 200 train and 100 test photos, all annotated, a
selection of 10, a `probe` of these pairs and its evaluation. `kill -9` ends the second when a third of the
files have arrived, and when it adds the rows. Reported: whether the receipt gives the same picks, whether
the model gives the same scores when it is evaluated anew, what was there after each kill, times, sizes, and
the largest memory of the process that serves HTTP.
"""

import argparse
import hashlib
import os
import re
import signal
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

from benchmarks.measuring import say, write_json
from benchmarks.serving import start_embedded, with_key
from fewpairs import Client, Pool

TRAIN, TEST, BUDGET = 200, 100, 10
PART_OF_ALL = 3
"""The first kill is when one file in this many has arrived."""

Found = TypeVar("Found")


class Server:
    """`fewpairs up` on a folder; all its processes can be killed at once, and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.start()

    def start(self) -> None:
        service = start_embedded(self._folder)
        self._process, self.client = service.process, Client(service.address)

    def kill(self) -> None:
        """`kill -9` of every process of the server."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()

    def memory_bytes(self) -> int:
        """The largest memory that the process had which serves HTTP."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        folders = [Path("/proc") / child for child in children]
        [served] = [each for each in folders if b"service" in (each / "cmdline").read_bytes().split(b"\0")]
        [peak] = re.findall(r"VmHWM:\s+(\d+) kB", (served / "status").read_text())
        return 1024 * int(peak)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and val/")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pool-move-") as folder:
        report = moved(options.data, Path(folder))
    say("\n".join(f"{name}: {value}" for name, value in report.items()))
    if options.out:
        write_json(options.out, report)


def moved(data: Path, folder: Path) -> dict[str, Any]:
    here = Server(folder / "here")
    pool, selection, model_id = filled(here.client, data)
    before = here.client.model(model_id).evaluate().wait().scores
    archive = folder / "pool.zip"
    export_s, _ = timed(lambda: pool.export(archive))
    report = {"photos": pool.refresh().counts["images"], "annotated": pool.counts["annotated"]}
    report |= {"export_s": export_s, "archive_bytes": archive.stat().st_size}
    report["export_memory_bytes"] = here.memory_bytes()
    here.stop()

    there = Server(folder / "there")
    report |= taken_in(there, archive, pool.id)
    replayed = there.client.replay(selection)
    after = there.client.model(model_id).evaluate().wait().scores
    report |= {"same_picks": replayed.same, "changed": replayed.changed}
    report |= {"same_scores": after == before, "mean_iou": after["mean_iou"]}
    there.stop()
    return report


def filled(client: Client, data: Path) -> tuple[Pool, dict[str, Any], str]:
    """The pool, its selection, and the id of its model."""
    pool = client.create_pool("camvid", classes=data / "classes.json")
    photos = {split: sorted((data / split / "images").iterdir()) for split in ("train", "val")}
    pool.upload(photos["train"][:TRAIN])
    pool.upload(photos["val"][:TEST], split="test")
    pool.annotate([data / "val" / "labels" / f"{photo.stem}.png" for photo in photos["val"][:TEST]])
    selection = pool.select(BUDGET)
    labels = [data / "train" / "labels" / f"{photo.stem}.png" for photo in photos["train"][:TRAIN]]
    picked = {Path(pick.name).stem for pick in selection}
    pool.annotate([label for label in labels if label.stem in picked])
    model = pool.train("probe").wait().model
    pool.annotate([label for label in labels if label.stem not in picked])
    return pool, selection.document, model.id


def taken_in(there: Server, archive: Path, pool_id: str) -> dict[str, Any]:
    """Import the archive, with two kills on the way."""
    files = len(zipfile.ZipFile(archive).namelist()) - 1
    sent: list[int] = []

    def kill_after_a_part(count: int) -> None:
        sent.append(count)
        if count == files // PART_OF_ALL:
            there.kill()

    attempt = threading.Thread(target=_until_lost, args=(there.client, archive, kill_after_a_part))
    attempt.start()
    attempt.join()
    there.start()
    report: dict[str, Any] = {"files": files, "files_before_the_first_kill": len(sent)}
    report["pool_after_the_first_kill"] = what_is_there(there.client, pool_id)
    report |= killed_while_rows_are_added(there, archive, pool_id)
    sent_at_last: list[int] = []
    report["last_import_s"], _ = timed(
        lambda: there.client.import_pool(archive, on_progress=sent_at_last.append)
    )
    report["files_of_the_last_import"] = len(sent_at_last)
    report["import_memory_bytes"] = there.memory_bytes()
    report["pool_at_last"] = what_is_there(there.client, pool_id)
    return report


def killed_while_rows_are_added(there: Server, archive: Path, pool_id: str) -> dict[str, Any]:
    """Send the files, ask for the pool, and kill the server shortly after."""
    server = there.client.server
    with zipfile.ZipFile(archive) as zip:
        address = f"/archives/{hashlib.sha256(zip.read('pool.jsonl')).hexdigest()}"
        with httpx.Client(base_url=server, headers=with_key(server), timeout=120) as http:
            missing = http.get(f"{address}/missing", params={"limit": 10_000}).json()["items"]
            for part in missing:
                content = zip.read(f"blobs/{part['sha256']}")
                http.put(
                    f"{address}/parts/{part['kind']}/{part['sha256']}", content=content
                ).raise_for_status()
    asking = threading.Thread(target=_ask, args=(server, f"{address}/pool"))
    asking.start()
    time.sleep(0.3)
    there.kill()
    asking.join()
    there.start()
    return {
        "files_before_the_second_kill": len(missing),
        "pool_after_the_second_kill": what_is_there(there.client, pool_id),
    }


def what_is_there(client: Client, pool_id: str) -> dict[str, int] | None:
    """Counts of the pool; None if it is not there."""
    found = [pool for pool in client.pools() if pool.id == pool_id]
    return {name: found[0].counts[name] for name in ("images", "embedded", "annotated")} if found else None


def _until_lost(client: Client, archive: Path, on_progress: Callable[[int], None]) -> None:
    try:
        client.import_pool(archive, on_progress=on_progress)
    except Exception as error:
        say(f"The connection was lost, as it should be: {error}")


def _ask(server: str, path: str) -> None:
    try:
        answer = httpx.post(f"{server}{path}", headers=with_key(server), timeout=120)
        say(f"The pool was there before the second kill: {answer.status_code}")
    except httpx.TransportError:
        say("The second kill came while the rows were added.")


def timed(work: Callable[[], Found]) -> tuple[float, Found]:
    begun = time.perf_counter()
    found = work()
    return time.perf_counter() - begun, found


if __name__ == "__main__":
    main()
