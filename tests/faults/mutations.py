"""`python -m tests.faults.mutations --files 10000`: send changed files of every kind to the running service.

Prints a table and exits with 1 if there was an answer of 500, a job that failed for a reason of the program
and not of its file, a process that ended, or an answer or memory beyond its limit.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from tests.access import WITH_KEY
from tests.faults.cluster import Cluster
from tests.faults.mutated_files import File, files
from tests.label_map_kinds import FARM
from tests.service.steps import photo

AT_ONCE = 4
ENDED = ("succeeded", "failed", "cancelled")
FAULTS = ("internal-error", "lease-expired", "worker-crashed", "training-crashed")
"""Errors of jobs that no file may cause."""
LIMIT_S, LIMIT_MB = 30.0, 1000
JOB_LIMIT_S = 600.0
"""For the kinds whose files a job reads, which wait for each other at the one worker."""
READ_BY_JOBS = ("network", "export")


class Sender:
    """Sends files to one pool, and looks at the answers."""

    def __init__(self, http: httpx.Client, *, with_worker: bool) -> None:
        self._http, self._with_worker = http, with_worker
        self._numbers = count()
        self.pool = self._new_pool(json.dumps(FARM).encode()).json()["id"]

    def send(self, file: File) -> tuple[int, str]:
        """The status of the answer, and what is wrong with it; empty: nothing."""
        number, pool = next(self._numbers), f"/pools/{self.pool}"
        match file.kind:
            case "photo":
                answer = self._http.put(f"{pool}/images/{number}", content=file.content)
            case "label map":
                answer = self._http.put(f"{pool}/labels/{number}", content=file.content)
            case "archive":
                headers = {"Content-Type": "application/octet-stream"}
                answer = self._http.post(f"{pool}/images", content=file.content, headers=headers)
            case "class table":
                answer = self._new_pool(file.content)
            case "export":
                ask = {"format": file.form, "dry_run": "true"}
                answer = self._http.post(f"{pool}/imports", content=file.content, params=ask)
            case "network":
                answer = self._http.post(f"{pool}/models", content=file.content)
                if answer.is_success:
                    address = f"/models/{answer.json()['id']}/translate"
                    answer = self._http.post(address, content=photo())
        return answer.status_code, self._fault(answer)

    def _new_pool(self, table: bytes) -> httpx.Response:
        body = b'{"name": "pool %d", "class_table": %s}' % (next(self._numbers), table)
        return self._http.post("/pools", content=body, headers={"Content-Type": "application/json"})

    def _fault(self, answer: httpx.Response) -> str:
        if answer.status_code >= 500:
            return f"{answer.status_code}: {answer.text}"
        if answer.status_code != 202 or not self._with_worker:
            return ""
        give_up = time.monotonic() + JOB_LIMIT_S
        while (job := self._http.get(f"/jobs/{answer.json()['id']}").json())["state"] not in ENDED:
            if time.monotonic() > give_up:
                return "a job that does not end"
            time.sleep(0.1)
        return str(job["error"]) if job["error"] and job["error"]["type"] in FAULTS else ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mutations", description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fewpairs-mutations-") as folder:
        report = sent(Path(folder), options.seed, options.files)
    show(report)
    if options.out:
        options.out.write_text(json.dumps(report, indent=1) + "\n")
    return int(not is_within_limits(report))


def is_within_limits(report: dict[str, Any]) -> bool:
    """Whether nothing went wrong, and all was done in time and with little memory."""
    is_slow = any(
        row["longest_s"] > (JOB_LIMIT_S if row["kind"] in READ_BY_JOBS else LIMIT_S) for row in report["rows"]
    )
    return not (report["faults"] or report["ended"] or is_slow or report["growth_mb"] > LIMIT_MB)


def sent(folder: Path, seed: int, total: int) -> dict[str, Any]:
    statuses: dict[str, Counter[str]] = defaultdict(Counter)
    seconds: dict[str, list[float]] = defaultdict(list)
    faults: list[str] = []
    with (
        Cluster(folder, "", workers=1) as cluster,
        httpx.Client(base_url=cluster.address, headers=WITH_KEY, timeout=300) as http,
    ):
        sender = Sender(http, with_worker=True)

        def send(numbered: tuple[int, File]) -> None:
            number, file = numbered
            begun = time.monotonic()
            status, fault = sender.send(file)
            seconds[file.kind].append(time.monotonic() - begun)
            statuses[file.kind][f"{status // 100}xx"] += 1
            if fault:
                faults.append(f"file {number} of seed {seed}, {file.kind}: {fault}")

        with largest_memory(cluster) as memory, ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(send, enumerate(files(seed, total))))
        ended = cluster.ended()
    rows = [
        {"kind": kind, "files": len(times), "taken": statuses[kind]["2xx"], "refused": statuses[kind]["4xx"]}
        | {"longest_s": round(max(times), 2), "median_ms": round(1000 * sorted(times)[len(times) // 2])}
        for kind, times in seconds.items()
    ]
    growth = round((max(memory) - memory[0]) / 1e6)
    return {"seed": seed, "files": total, "faults": faults, "ended": ended, "growth_mb": growth, "rows": rows}


@contextmanager
def largest_memory(cluster: Cluster) -> Iterator[list[int]]:
    """Bytes in the memory of the API and its children, looked at until the block ends."""
    found: list[int] = []
    end = threading.Event()

    def look() -> None:
        api = psutil.Process(cluster.pid("api"))
        while True:
            total = 0
            for process in [api, *api.children(recursive=True)]:
                with suppress(psutil.Error):
                    total += process.memory_info().rss
            found.append(total)
            if end.wait(0.1):
                return

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield found
    finally:
        end.set()
        looking.join()


def show(report: dict[str, Any]) -> None:
    table = Table("kind", "files", "taken", "refused", "median ms", "longest s")
    for row in report["rows"]:
        names = ("kind", "files", "taken", "refused", "median_ms", "longest_s")
        table.add_row(*(f"{row[name]:,}" if name != "kind" else row[name] for name in names))
    console = Console()
    console.print(table)
    console.print(f"Memory of the API grew by {report['growth_mb']} MB at most.")
    console.print(f"Processes that ended: {report['ended'] or 'none'}. Faults: {len(report['faults'])}.")
    for fault in report["faults"][:20]:
        console.print(fault)


if __name__ == "__main__":
    sys.exit(main())
