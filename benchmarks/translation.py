"""Time and memory of translating one large photo, from its JPEG file to the PNG of its label map.

    python -m benchmarks.translation

Each row is measured in a process of its own, whose peak memory includes Python, PyTorch and the network
(about 0.4 GiB). `load size` is the side of the square, or of a square of the area, at which the network sees
the photo; more than 1024² pixels are cut into tiles. The networks have untrained weights: speed does not
depend on them.
"""

import argparse
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.measuring import Report, say, table
from models.catalog import METHODS, TEST_TIME, build
from models.images.palette import ClassTable
from models.images.photos import read_photo
from models.training.methods import method_named
from models.translation.translator import Translator

CLASSES = 11
SIDES = {12: (4000, 3000), 48: (8000, 6000)}
"""Width and height of a photo of so many megapixels."""


@dataclass(frozen=True)
class Case:
    """What is measured: a method's network for photos at `load_size`, and the views that are averaged."""

    method: str
    load_size: int
    test_time: str = "none"


CASES = (
    *(Case("hybrid", 256), Case("fcn8s", 256)),
    *(
        Case("probe", 416),
        Case("finetune", 416),
        Case("finetune", 416, "flip"),
        Case("finetune", 416, "scales"),
    ),
    *(Case("finetune", 1024), Case("finetune", 2048)),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megapixels", nargs="+", type=int, choices=SIDES, default=list(SIDES))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--test-time", nargs="+", choices=TEST_TIME, default=list(TEST_TIME))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/translation_cpu.json"))
    arguments = parser.parse_args()
    report = Report(arguments.out, torch.device("cpu"), classes=CLASSES, threads=torch.get_num_threads())
    with tempfile.TemporaryDirectory() as folder:
        for megapixels in arguments.megapixels:
            photo = _drawn(Path(folder) / f"{megapixels}.jpg", *SIDES[megapixels])
            for case in CASES:
                if case.method in arguments.methods and case.test_time in arguments.test_time:
                    # The process starts anew, so that its peak memory is that of this case.
                    with ProcessPoolExecutor(1, get_context("spawn")) as process:
                        measured = process.submit(measure, case, photo).result()
                    report.add(megapixels=megapixels, **asdict(case), **measured)
    say(table(report.rows))


def measure(case: Case, photo: Path) -> dict[str, Any]:
    """Seconds of each part of a translation, and the process's peak memory in GiB."""
    spec = build("paper", case.method, image_size=case.load_size, load_size=case.load_size)
    colors = tuple((20 * index, 255 - 20 * index, 7 * index) for index in range(CLASSES))
    classes = ClassTable(tuple(f"class {index}" for index in range(CLASSES)), colors)
    translator = Translator.of(method_named(case.method).generator(spec, classes), spec, classes)
    start = time.perf_counter()
    rgb = read_photo(photo)
    read = time.perf_counter()
    label_map = translator.translate(rgb, test_time=case.test_time).label_map
    translated = time.perf_counter()
    assert label_map is not None
    Image.fromarray(label_map).save(BytesIO(), format="PNG")
    written = time.perf_counter()
    return {
        "read_s": read - start,
        "translate_s": translated - read,
        "write_s": written - translated,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def _drawn(path: Path, width: int, height: int) -> Path:
    """A photo of smooth colours with noise, as JPEG."""
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 256, (30, 40, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    noise = random.integers(0, 12, smooth.shape[:2], dtype=np.uint8)[:, :, None]
    Image.fromarray(np.clip(smooth, 0, 240) + noise).save(path, quality=90)
    return path


if __name__ == "__main__":
    main()
