"""Suggestions learned from finished photos, and from strokes on a photo, against the true label maps.

    python -m benchmarks.suggestions --data camvid

`--data` is a data set with classes. Finished photos are drawn at random from its train photos, DRAWS times;
suggestions are for PHOTOS of its val photos, at their own size. Strokes are drawn by `strokes_on`.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.measuring import Report, say, table
from models.encoders.feature_maps import pretrained_feature_maps
from models.evaluation.class_scores import ClassTally
from models.experiments.dataset import Dataset
from models.images.photos import read_label_map
from models.suggestion import SeenPhoto, suggest
from models.training.feature_store import FeatureStore
from models.training.logistic import Rows

FINISHED, SHARES = (1, 3, 5, 10), (0.05, 0.02)
PHOTOS, DRAWS = 12, 3
LENGTH, RADIUS = 40, 2
"""Of simulated strokes, in pixels."""


def strokes_on(truth: NDArray[np.uint8], classes: int, share: float, seed: int) -> NDArray[np.uint8]:
    """Straight strokes through random labelled pixels until a share of these is covered: one on every class,
    the others as frequent as the classes are. Strokes do not leave their class. 255: no stroke.
    """
    random = np.random.default_rng(seed)
    strokes = np.full_like(truth, 255)
    labelled = truth < classes
    starts = [truth == index for index in range(classes) if (truth == index).any()]
    while starts or (strokes < classes).sum() < share * labelled.sum():
        down, right = np.nonzero(starts.pop() if starts else labelled)
        at = random.integers(len(down))
        _stroke(strokes, truth, (down[at], right[at]), random.uniform(0, np.pi))
    return strokes


def _stroke(strokes: NDArray[np.uint8], truth: NDArray[np.uint8], at: tuple[int, int], angle: float) -> None:
    box = tuple(
        slice(max(0, place - LENGTH), min(size, place + LENGTH))
        for place, size in zip(at, truth.shape, strict=True)
    )
    down, right = np.ogrid[box]
    down, right = down - at[0], right - at[1]
    along, across = right * np.cos(angle) + down * np.sin(angle), down * np.cos(angle) - right * np.sin(angle)
    near = (np.abs(along) <= LENGTH / 2) & (np.abs(across) <= RADIUS)
    strokes[box][near & (truth[box] == truth[at])] = truth[at]


class Bench:
    """The photos of a data set as suggestions see them, each looked at once."""

    def __init__(self, data: Dataset) -> None:
        assert data.class_table, "the data set needs classes.json"
        self.data, self.table = data, data.class_table
        self._store = FeatureStore(pretrained_feature_maps("efficientnet_lite0")[0], None)
        picked = np.linspace(0, len(data.val) - 1, PHOTOS).round().astype(int)
        self.photos = [
            (self._seen("val", data.val[at]), read_label_map(data.label_map("val", data.val[at])))
            for at in picked
        ]

    def _seen(self, split: str, name: str) -> SeenPhoto:
        return SeenPhoto.of(self.data.photo(split, name), self._store)

    def finished(self, count: int, draw: int) -> list[Rows]:
        """The rows of photos drawn at random; a larger count adds to a smaller one's."""
        names = np.random.default_rng(draw).permutation(list(self.data.train))[:count]
        return [
            self._seen("train", name).finished(self.data.label_map("train", name), self.table)
            for name in names
        ]

    def score(self, finished: Sequence[Rows], share: float) -> dict[str, Any]:
        tally, seconds = ClassTally(self.table), 0.0
        classes = len(self.table.names)
        for index, (photo, truth) in enumerate(self.photos):
            strokes = strokes_on(truth, classes, share, index) if share else np.full_like(truth, 255)
            start = time.process_time()
            found = suggest(photo, classes, finished, strokes)
            seconds += time.process_time() - start
            sure = (255 - found.doubt).astype(np.float32) / np.float32(255)
            tally.add(str(index), truth, found.label_map, sure < 0.5, sure)
        scores = tally.evaluation()
        return {
            "accuracy": scores.pixel_accuracy,
            "mean_iou": scores.mean_iou,
            "errors_in_least_sure": scores.errors_in_least_sure,
            "cpu_seconds": seconds / len(self.photos),
        }


def _rows(bench: Bench) -> Iterator[dict[str, Any]]:
    """A row for each number of finished photos, share of strokes, and draw of the finished photos."""
    alone = [(count, 0.0, draw) for count in FINISHED for draw in range(DRAWS)]
    stroked = [(0, share, 0) for share in SHARES]
    both = [(5, share, draw) for share in SHARES for draw in range(DRAWS)]
    for count, share, draw in (*alone, *stroked, *both):
        scores = bench.score(bench.finished(count, draw), share)
        yield {"finished": count, "strokes": share, "draw": draw, **scores}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/suggestions.json"))
    arguments = parser.parse_args()
    about = {"photos": PHOTOS, "draws": DRAWS}
    report = Report(arguments.out, torch.device("cpu"), data=arguments.data.name, **about)
    for row in _rows(Bench(Dataset(arguments.data))):
        report.add(**row)
    say(table(report.rows))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
