"""Hostile files and requests against the running service, while another client goes on with its work.

    python -m benchmarks.hostile --out benchmarks/results/hostile.json

The service is the one that `fewpairs up` starts. Each case has limits: seconds until the answer (of a model:
until its job has failed), and by how much the memory of all processes of the service may grow. No answer may
be a 500.

Another user's program asks all the time for a pool, its photos and jobs, a photo, its thumbnail and its label
map, and uploads a photo. The median, the 99th percentile and the longest of its waits are reported; more than
a second at the 99th percentile fails the case, too. The first row, for comparison, is without anything
hostile.
"""

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks import hostile_files as files
from benchmarks.measuring import say, table, write_json
from benchmarks.serving import embedded, with_key

P99_LIMIT_S = 1.0
LOOK_EVERY_S = 0.1
PIECE = 2**16
FLOOD, FLOOD_S = 45, 120.0
CLASSES = {"classes": [{"name": name} for name in ("road", "car", "sky")]}
ENDED = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class Server:
    address: str
    process: psutil.Process

    def client(self, key: str | None = None) -> httpx.Client:
        """A client with this key, or with that of who has started the service."""
        headers = {"Authorization": f"Bearer {key}"} if key else with_key(self.address)
        return httpx.Client(base_url=self.address, headers=headers, timeout=900)

    def cpu_seconds(self) -> float:
        """Seconds of CPU time of all processes of the service, also of those that have ended."""
        total = 0.0
        for process in [self.process, *self.process.children(recursive=True)]:
            with suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total

    def memory(self) -> int:
        """Bytes that all processes of the service have in memory."""
        total = 0
        for process in [self.process, *self.process.children(recursive=True)]:
            with suppress(psutil.Error):
                total += process.memory_info().rss
        return total


@dataclass(frozen=True)
class Case:
    name: str
    content: Callable[[], bytes]
    send: Callable[[httpx.Client, str, bytes], list[int]]
    """Sends it to the pool, and returns the status of each answer."""
    seconds: float
    memory_mb: int


def photo(client: httpx.Client, pool: str, content: bytes) -> list[int]:
    return [client.put(f"/pools/{pool}/images/hostile", content=content).status_code]


def flood(client: httpx.Client, pool: str, content: bytes) -> list[int]:
    """Many uploads of one photo at the same time; 0: no answer in FLOOD_S."""

    def put(number: int) -> int:
        try:
            address = f"/pools/{pool}/images/{number}"
            return client.put(address, content=content, timeout=FLOOD_S).status_code
        except httpx.TimeoutException:
            return 0

    with ThreadPoolExecutor(FLOOD) as threads:
        return list(threads.map(put, range(FLOOD)))


def several(client: httpx.Client, pool: str, content: bytes) -> list[int]:
    """Send an archive, or a form whose first line is its boundary."""
    boundary = content.partition(b"\r\n")[0].removeprefix(b"--").decode("latin-1")
    is_form = content.startswith(b"--")
    media_type = f"multipart/form-data; boundary={boundary}" if is_form else "application/octet-stream"
    pieces = (content[start : start + PIECE] for start in range(0, len(content), PIECE))
    headers = {"Content-Type": media_type}
    return [client.post(f"/pools/{pool}/images", content=pieces, headers=headers).status_code]


def nothing(client: httpx.Client, pool: str, content: bytes) -> list[int]:
    """For comparison."""
    time.sleep(10)
    return []


def methods(client: httpx.Client, pool: str, content: bytes) -> list[int]:
    return [client.request(f"INVENT{number}", f"/pools/{pool}").status_code for number in range(1000)]


def network(client: httpx.Client, pool: str, content: bytes) -> list[int]:
    """Import a network and translate a photo with it; 422 stands for a job that has failed."""
    imported = client.post(f"/pools/{pool}/models", content=content)
    if not imported.is_success:
        return [imported.status_code]
    asked = client.post(f"/models/{imported.json()['id']}/translate", content=files.photo())
    if asked.status_code != 202:
        return [asked.status_code]
    while (job := client.get(f"/jobs/{asked.json()['id']}").json())["state"] not in ENDED:
        time.sleep(LOOK_EVERY_S)
    return [422 if job["state"] == "failed" else 200]


CASES = (
    Case("nothing hostile", bytes, nothing, 60, 100),
    Case("PNG of 169 megapixels", lambda: files.png_bomb(13_000), photo, 5, 200),
    Case("zip, 20 times the same bytes", lambda: files.overlapping_zip(20, 4000), several, 5, 200),
    Case("zip, photo that wants 4 GiB", files.greedy_zip, several, 10, 200),
    Case("tar, file of the size -1", lambda: files.negative_tar(256 << 20), several, 10, 150),
    Case("tar, 200,000 digits", lambda: files.digits_tar(200_000), several, 5, 200),
    Case("form, 20,000 empty files", lambda: files.empty_form(20_000), several, 60, 200),
    Case("1,000 invented methods", bytes, methods, 60, 100),
    Case("network, weights elsewhere", files.weights_elsewhere, network, 60, 500),
    Case("network, output of 10 GB", lambda: files.huge_output(29_000), network, 60, 1500),
    Case("network, endless loop", files.endless_loop, network, 60, 1500),
    Case("network, large constants", lambda: files.large_constants(6000, 200), network, 60, 1500),
    # The last one, as the service goes on with it:
    Case("45 JPEGs of 300 scans", lambda: files.progressive_jpeg(8000, 300), flood, FLOOD_S + 10, 2000),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="hostile-") as folder,
        embedded(Path(folder) / "data") as service,
    ):
        server = Server(service.address, psutil.Process(service.process.pid))
        another = another_user(server)
        rows = [measured(server, case, another) for case in CASES if options.only in case.name]
    say(table(rows))
    if options.out:
        write_json(options.out, {"cores": os.cpu_count(), "rows": rows})
    sys.exit(not all(row["within"] for row in rows))


@dataclass(frozen=True)
class Another:
    """Another user, and what their program asks for: method, address and body of each call."""

    key: str
    calls: list[tuple[str, str, bytes]]


def another_user(server: Server) -> Another:
    """Make the user, with a pool of one photo. At the end all processes of the service have warmed up."""
    with server.client() as client:
        client.post("/users", json={"name": "another"}).raise_for_status()
        made = client.post("/keys", params={"user": "another"}, json={"label": "benchmark"})
        key = str(made.raise_for_status().json()["key"])
    with server.client(key) as client:
        pool, photo = new_pool(client, "other work"), files.photo(side=512)
        upload = f"/pools/{pool}/images/a.jpg"
        image = f"/images/{client.put(upload, content=photo).json()['id']}"
        drawn = files.png_bomb(512)
        client.put(f"{image}/annotation", content=drawn, headers={"If-None-Match": "*"})
        while client.get(f"/pools/{pool}").json()["counts"]["embedded"] == 0:
            time.sleep(LOOK_EVERY_S)
    read = [f"/pools/{pool}", f"/pools/{pool}/images", f"/jobs?pool={pool}"]
    read += [f"{image}/content", f"{image}/thumbnail", f"{image}/annotation"]
    return Another(key, [*(("GET", address, b"") for address in read), ("PUT", upload, photo)])


def measured(server: Server, case: Case, another: Another) -> dict[str, Any]:
    with server.client() as client:
        pool, content = new_pool(client, case.name), case.content()
        with other_work(server, another) as waits, largest_memory(server) as memory:
            begun, cpu = time.monotonic(), server.cpu_seconds()
            statuses = Counter(case.send(client, pool, content))
            seconds, cpu_s = time.monotonic() - begun, server.cpu_seconds() - cpu
        is_ready = client.get("/readyz").status_code == 200
    growth = (max(memory) - memory[0]) / 1e6
    p99 = statistics.quantiles(waits, n=100)[98]
    row = {
        "case": case.name,
        "answers": ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items())),
        "seconds": round(seconds, 1),
        "limit_s": case.seconds,
        "cpu_s": round(cpu_s, 1),
        "growth_mb": round(growth),
        "limit_mb": case.memory_mb,
        "calls": len(waits),
        "median_ms": round(1000 * statistics.median(waits)),
        "p99_ms": round(1000 * p99),
        "longest_ms": round(1000 * max(waits)),
        "within": is_ready
        and not any(status == 500 for status in statuses)
        and seconds <= case.seconds
        and growth <= case.memory_mb
        and p99 <= P99_LIMIT_S,
    }
    say(", ".join(f"{name} {value}" for name, value in row.items()))
    return row


def new_pool(client: httpx.Client, name: str) -> str:
    made = client.post("/pools", json={"name": name, "class_table": CLASSES})
    return str(made.raise_for_status().json()["id"])


@contextmanager
def other_work(server: Server, another: Another) -> Iterator[list[float]]:
    """The other user asks until the block ends; yields the seconds that each call took."""
    waits: list[float] = []
    end = threading.Event()
    with server.client(another.key) as client:

        def ask() -> None:
            for method, address, body in itertools.cycle(another.calls):
                if end.is_set() and len(waits) >= 100:
                    return
                begun = time.monotonic()
                client.request(method, address, content=body).raise_for_status()
                waits.append(time.monotonic() - begun)
                time.sleep(0.02)

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            yield waits
        finally:
            end.set()
            asking.join()


@contextmanager
def largest_memory(server: Server) -> Iterator[list[int]]:
    """Bytes in memory, looked at until the block ends."""
    found, end = [server.memory()], threading.Event()

    def look() -> None:
        while not end.wait(LOOK_EVERY_S):
            found.append(server.memory())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield found
    finally:
        end.set()
        looking.join()


if __name__ == "__main__":
    main()
