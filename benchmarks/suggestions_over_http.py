"""How long a suggestion takes, from the request to both pictures, on a service that is started for it.

    python -m benchmarks.suggestions_over_http --data camvid

FINISHED photos of a data set with classes and one to label are enlarged to about a megapixel. Strokes are
drawn on the latter, more each time, and a suggestion is asked for after each. The first request, for which
the worker loads the encoder and looks at all photos, is told by itself. `cpu_seconds` is what all processes
of the service spend on a suggestion; it says what a machine without other work would take at most.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.measuring import Report, say, table
from benchmarks.serving import embedded
from benchmarks.suggestions import strokes_on
from fewpairs import Client, Pool
from models.experiments.dataset import Dataset
from models.images.palette import ClassTable
from models.images.photos import read_label_map, write_label_map

FINISHED, ASKED, SIZE = 5, 20, (1152, 864)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/suggestions_over_http.json"))
    arguments = parser.parse_args()
    about = {"finished": FINISHED, "asked": ASKED, "size": SIZE, "load": os.getloadavg()[0]}
    report = Report(arguments.out, torch.device("cpu"), data=arguments.data.name, **about)
    with tempfile.TemporaryDirectory(prefix="suggestions-") as place:
        folder, data = Path(place), Dataset(arguments.data)
        assert data.class_table, "the data set needs classes.json"
        _enlarge(data, folder)
        with embedded(folder / "data") as service:
            pool = _furnished(service.address, folder, data.class_table)
            report.add(**_measured(pool, folder, data.class_table, psutil.Process(service.process.pid)))
    say(table(report.rows))


def _enlarge(data: Dataset, folder: Path) -> None:
    for kind in ("images", "labels"):
        (folder / kind).mkdir()
    for at in np.linspace(0, len(data.train) - 1, FINISHED + 1).round().astype(int):
        photo, label_map = data.pair("train", data.train[at])
        Image.open(photo).resize(SIZE, Image.Resampling.BICUBIC).save(folder / "images" / f"{at}.jpg")
        classes = Image.fromarray(read_label_map(label_map)).resize(SIZE, Image.Resampling.NEAREST)
        write_label_map(folder / "labels" / f"{at}.png", np.array(classes))


def _furnished(address: str, folder: Path, table: ClassTable) -> Pool:
    pool = Client(address).create_pool("suggestions", classes=table.to_json())
    pool.upload(folder / "images")
    pool.annotate(_label_maps(folder)[:-1])
    return pool


def _label_maps(folder: Path) -> list[Path]:
    return sorted((folder / "labels").iterdir())


def _measured(pool: Pool, folder: Path, table: ClassTable, service: psutil.Process) -> dict[str, Any]:
    truth_file = _label_maps(folder)[-1]
    truth, seconds, spent = read_label_map(truth_file), [], []
    for drawn in _strokes(truth, table):
        strokes = folder / "strokes.png"
        write_label_map(strokes, drawn)
        before, start = _cpu_seconds(service), time.perf_counter()
        pool.suggest(f"{truth_file.stem}.jpg", strokes)
        seconds.append(time.perf_counter() - start)
        spent.append(_cpu_seconds(service) - before)
    first, *others = seconds
    quantiles = statistics.quantiles(others, n=20)
    return {
        **{"first": first, "p50": statistics.median(others), "p95": quantiles[-1], "largest": max(others)},
        "cpu_seconds": statistics.median(spent[1:]),
    }


def _cpu_seconds(service: psutil.Process) -> float:
    """What the service and its processes have spent."""
    times = [process.cpu_times() for process in (service, *service.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def _strokes(truth: NDArray[np.uint8], table: ClassTable) -> Iterator[NDArray[np.uint8]]:
    """Strokes on 0.2 % to 5 % of the labelled pixels, unlabelled elsewhere."""
    classes = len(table.names)
    for share in np.linspace(0.002, 0.05, ASKED):
        drawn = strokes_on(truth, classes, float(share), 0)
        yield np.where(drawn < classes, drawn, np.uint8(table.ignore))


if __name__ == "__main__":
    main()
