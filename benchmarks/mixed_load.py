"""Minutes of mixed load on `fewpairs up`: memory, descriptors, latencies, and what the disk is full of.

    python -m benchmarks.mixed_load --minutes 30 --out benchmarks/results/mixed_load.json

One thread goes through the loop again and again, each time with a new pool: upload, a refused photo,
selection, annotation, a search, an export, every tenth time a training and translations, and the deletion of
the pool for good. Four others read at a fixed pace: the list of pools, a pool, its photos. Everything runs on
SQLite with the encoder efficientnet_lite0.

Of each process, memory (resident) and descriptors are sampled after the minutes of warming up, in which
caches fill and each thread has had its largest answer. A slope is the least-squares line through the means of
20 blocks of samples, with its interval of 95 %. A process is flat if the interval holds 0, or if the line
gains less than 1 MB or one descriptor in all that time. Latencies are those of the readers, in the first and
in the last fifth after the warming up. What the doctor says of the disk is compared with a walk over all
files of the data folder.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from benchmarks.load import Counts, loop, reading
from benchmarks.measuring import Report, say, table
from benchmarks.serving import embedded
from fewpairs import Client
from scenes import dataset

READERS, READS_A_SECOND = 4, 4.0
SAMPLE_S, BLOCKS, T_95 = 1.0, 20, 2.101
"""T_95 is Student's t for 18 degrees of freedom: the 20 blocks less the two numbers of the line."""
MB = 1e6
NAMES = {"service": "API", "suggest": "worker-suggest", "cpu,embed": "worker-cpu", "gpu": "worker-gpu"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--warm-up", type=float, default=15.0, help="minutes before these")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    warm_up, seconds = options.warm_up * 60, options.minutes * 60
    report = Report(options.out, torch.device("cpu"), minutes=options.minutes, warm_up=options.warm_up)
    with tempfile.TemporaryDirectory(prefix="mixed-load-") as place:
        data, drawn = Path(place) / "data", Path(place) / "scenes"
        dataset.write(drawn, 24, seed=0, test_share=0.25, size=(96, 128))
        os.environ["FEWPAIRS_DATA_DIR"] = str(data)
        with embedded(data, device="cpu") as service:
            loaded = load(service.address, drawn, _processes(service.process), warm_up, seconds)
            faults = disk(report, data)
        for row in (*loaded.processes(seconds), *loaded.latencies(seconds), *loaded.done()):
            report.add(**row)
    say(table(report.rows))
    if faults:
        sys.exit(f"The doctor found faults: {json.dumps(faults, indent=1)}")


class Loaded:
    """What was sampled under load: `samples` of (time, process, bytes, descriptors), `reads` of (time, s).
    Times are seconds since the end of the warming up, and below 0 before.
    """

    def __init__(self) -> None:
        self.samples: list[tuple[float, str, int, int]] = []
        self.reads: list[tuple[float, float]] = []
        self.counts = Counts()

    def processes(self, seconds: float) -> Iterator[dict[str, Any]]:
        for name in NAMES.values():
            of_it = np.array([(t, size, fds) for t, who, size, fds in self.samples if who == name])
            steady = of_it[of_it[:, 0] > 0]
            for what, column, unit in (("memory, MB", 1, MB), ("descriptors", 2, 1.0)):
                slope, half = line(steady[:, 0] / 3600, steady[:, column] / unit)
                is_flat = abs(slope) <= half or slope * seconds / 3600 < 1
                yield {
                    "what": f"{name}: {what}",
                    **{
                        part: round(float(values.mean() / unit), 2)
                        for part, values in parts(steady[:, column]).items()
                    },
                    "slope_per_hour": round(slope, 2),
                    "interval": [round(slope - half, 2), round(slope + half, 2)],
                    "flat": bool(is_flat),
                }

    def latencies(self, seconds: float) -> Iterator[dict[str, Any]]:
        times = np.array([read for read in self.reads if read[0] > 0])
        parts = {
            "start": times[times[:, 0] < seconds / 5, 1],
            "end": times[times[:, 0] > seconds * 4 / 5, 1],
        }
        for quantile in (50, 99):
            found = {name: np.percentile(part, quantile) for name, part in parts.items()}
            values = {name: round(float(seconds) * 1000, 1) for name, seconds in found.items()}
            yield {"what": f"reads, p{quantile}, ms", **values}

    def done(self) -> Iterator[dict[str, Any]]:
        yield {"what": "reads", "end": len(self.reads)}
        for name, count in self.counts.items():
            yield {"what": name, "end": count}


def parts(values: "np.ndarray[Any, Any]") -> dict[str, "np.ndarray[Any, Any]"]:
    """The first, the middle and the last of BLOCKS blocks: whether growth goes on or comes to an end."""
    blocks = np.array_split(values, BLOCKS)
    return {"start": blocks[0], "middle": blocks[BLOCKS // 2], "end": blocks[-1]}


def line(x: "np.ndarray[Any, Any]", y: "np.ndarray[Any, Any]") -> tuple[float, float]:
    """The slope of y over x, and half of its interval of 95 %, from the means of BLOCKS blocks."""
    xs, ys = (np.array([block.mean() for block in np.array_split(values, BLOCKS)]) for values in (x, y))
    slope, offset = np.polyfit(xs, ys, 1)
    rest = ys - (slope * xs + offset)
    error = np.sqrt((rest**2).sum() / (BLOCKS - 2) / ((xs - xs.mean()) ** 2).sum())
    return float(slope), float(T_95 * error)


def load(
    address: str, drawn: Path, processes: dict[str, psutil.Process], warm_up: float, seconds: float
) -> Loaded:
    """Load the service for so long after the warming up, and sample its processes."""
    loaded, over, start = Loaded(), threading.Event(), time.monotonic() + warm_up
    client = Client(address)

    def note(read: Callable[[], object]) -> None:
        began = time.monotonic()
        read()
        loaded.reads.append((began - start, time.monotonic() - began))

    working: list[Callable[[], None]] = [lambda: loop(client, drawn, loaded.counts, over)]
    working += [lambda: reading(Client(address), note, over, READS_A_SECOND)] * READERS
    threads = [threading.Thread(target=work, daemon=True) for work in working]
    for thread in threads:
        thread.start()
    while time.monotonic() - start < seconds:
        time.sleep(SAMPLE_S)
        for name, process in processes.items():
            size, descriptors = process.memory_info().rss, process.num_fds()
            loaded.samples.append((time.monotonic() - start, name, size, descriptors))
        if not all(thread.is_alive() for thread in threads):
            raise RuntimeError("The load has ended early: see the traceback above.")
    over.set()
    for thread in threads:
        thread.join()
    return loaded


def disk(report: Report, data: Path) -> list[dict[str, Any]]:
    """Add what the doctor says of the disk, and what a walk over the folder finds. Returns the faults."""
    command = [sys.executable, "-m", "worker.doctor", "--json"]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout)
    walked = sum(
        path.stat(follow_symlinks=False).st_blocks * 512 for path in data.rglob("*") if path.is_file()
    )
    for kind, use in found["use"].items():
        sizes = {"end": round(use["bytes"] / MB, 2), "spare": round(use["spare"] / MB, 2)}
        report.add(what=f"disk, MB: {kind}", **sizes)
    explained = sum(use["bytes"] for kind, use in found["use"].items() if not kind.startswith("other"))
    report.add(what="disk, MB: all files, by a walk", end=round(walked / MB, 2))
    report.add(what="disk, MB: not explained", end=round((walked - explained) / MB, 2))
    return [fault for fault in found["faults"] if not fault["healed"]]


def _processes(up: "subprocess.Popen[bytes]") -> dict[str, psutil.Process]:
    found = {}
    for child in psutil.Process(up.pid).children(recursive=True):
        command = child.cmdline()
        if "-m" in command and command[command.index("-m") + 1] in ("service", "worker"):
            found[NAMES[command[-1]]] = child
    return found


if __name__ == "__main__":
    main()
