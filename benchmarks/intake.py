"""Many photos as a folder and as one zip: time next to a plain copy, memory, and going on after a kill.

    python -m benchmarks.intake --photos 10000 --out benchmarks/results/intake.json

The service runs without workers, so that nothing but the intake is measured: each photo is decoded, kept
and synced to the disk. `copy` copies the files one by one, `copy and sync` syncs each of them as well.
`killed` is an upload of the folder that is killed with SIGKILL when half of the photos have arrived, and sent
again. Memory is the peak of the resident sizes, added up, of the client and of the service with its
processes, as Linux tells them.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import httpx
import numpy as np
import torch
from PIL import Image

from benchmarks.measuring import Report, say, table
from benchmarks.serving import KEY, WITH_KEY, api
from store.settings import Settings

WIDTH, HEIGHT, PER_FOLDER = 480, 360, 500
SAMPLE_S = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    report = Report(options.out, torch.device("cpu"), photos=options.photos, size=[WIDTH, HEIGHT])
    with tempfile.TemporaryDirectory(prefix="intake-") as place:
        folder, archive = Path(place) / "photos", Path(place) / "photos.zip"
        draw(folder, options.photos)
        pack(folder, archive)
        for what, sync in (("copy", False), ("copy and sync", True)):
            report.add(what=what, seconds=copied(folder, Path(place) / what, sync))
        settings = Settings(data_dir=Path(place) / "data", broker_url="memory://")
        with api(settings) as started:
            address, service = started.address, started.process.pid
            for what, source in (("folder", folder), ("zip, by the client", archive)):
                report.add(what=what, **measured(service, uploading(address, what, source)))
            body = posting(address, "zip, by POST", archive)
            report.add(what="zip, by POST", **measured(service, body))
            report.add(what="killed", **killed(address, service, folder, options.photos))
    say(table(report.rows))


def draw(folder: Path, count: int) -> None:
    """JPEGs of noise in blocks, PER_FOLDER in a folder, all of them different."""
    rng = np.random.default_rng(0)
    for number in range(count):
        blocks = rng.integers(0, 256, (HEIGHT // 12, WIDTH // 12, 3), np.uint8)
        target = folder / f"day{number // PER_FOLDER}" / f"{number % PER_FOLDER:04d}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(blocks).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(target, quality=90)


def pack(folder: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(folder.rglob("*.jpg")):
            packed.write(path, path.relative_to(folder))


def copied(folder: Path, target: Path, sync: bool) -> float:
    """Seconds to copy every file to `target`."""
    start = time.perf_counter()
    for path in folder.rglob("*.jpg"):
        copy = target / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        if sync:
            with copy.open("rb") as file:
                os.fsync(file.fileno())
    return time.perf_counter() - start


def new_pool(address: str, name: str) -> str:
    made = httpx.post(f"{address}/pools", headers=WITH_KEY, json={"name": name, "class_table": "rgb"})
    return str(made.raise_for_status().json()["id"])


def uploading(address: str, pool: str, source: Path) -> "subprocess.Popen[bytes]":
    """`fewpairs upload` into a pool of this name, which is made if there is none."""
    if not httpx.get(f"{address}/pools", headers=WITH_KEY, params={"name": pool}).json()["items"]:
        new_pool(address, pool)
    words = ["upload", str(source), "--pool", pool, "--server", address, "--yes"]
    environment = os.environ | {"FEWPAIRS_API_KEY": KEY}
    command = [sys.executable, "-m", "fewpairs", *words]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def posting(address: str, pool: str, archive: Path) -> "subprocess.Popen[bytes]":
    url = f"{address}/pools/{new_pool(address, pool)}/images"
    code = "import sys, httpx; httpx.post(sys.argv[1], content=open(sys.argv[2], 'rb'), timeout=None, "
    code += f"headers={WITH_KEY | {'Content-Type': 'application/zip'}}).raise_for_status()"
    return subprocess.Popen([sys.executable, "-c", code, url, str(archive)])


def measured(service: int, client: "subprocess.Popen[bytes]") -> dict[str, float]:
    """Seconds until the client has ended, and the peaks of memory."""
    start, peaks, ended = time.perf_counter(), [0, 0], threading.Event()

    def watch() -> None:
        roots = client.pid, service
        while not ended.wait(SAMPLE_S):
            peaks[:] = [max(peak, resident(root)) for peak, root in zip(peaks, roots, strict=True)]

    watching = threading.Thread(target=watch)
    watching.start()
    code = client.wait()
    ended.set()
    watching.join()
    if code != 0:
        raise RuntimeError(f"The client ended with {code}.")
    mib = [peak / 2**20 for peak in peaks]
    return {"seconds": time.perf_counter() - start, "client_mib": mib[0], "service_mib": mib[1]}


def resident(pid: int) -> int:
    """Bytes of a process and its children; 0 if it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = "".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(resident(int(child)) for child in children.split())


def killed(address: str, service: int, folder: Path, count: int) -> dict[str, float]:
    """Kill an upload half way, send the folder again; seconds and memory of the second upload."""
    client = uploading(address, "killed", folder)
    [pool] = httpx.get(f"{address}/pools", headers=WITH_KEY, params={"name": "killed"}).json()["items"]

    def arrived() -> int:
        return int(httpx.get(f"{address}/pools/{pool['id']}", headers=WITH_KEY).json()["counts"]["images"])

    while arrived() < count // 2:
        time.sleep(0.2)
    client.kill()
    client.wait()
    before = arrived()
    row = measured(service, uploading(address, "killed", folder))
    if arrived() != count:
        raise RuntimeError(f"{arrived()} of {count} photos arrived.")
    return {"there_after_the_kill": before, **row}


if __name__ == "__main__":
    main()
