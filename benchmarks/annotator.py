"""How long a simulated person takes to label photos by hand, with superpixels, suggestions, and drafts.

    python -m benchmarks.annotator --data camvid

PHOTOS train photos of a data set with classes, spread evenly, are labelled one after the other until GOAL
of the labelled pixels are right. `benchmarks.person` says how the person draws and how long that takes. The
ways:

- `brush and polygon`: from an empty map.
- `superpixels`: the same, and a brush that takes whole segments.
- `suggestions`: a stroke on every class; then what is suggested is corrected with brush and polygon. The
  corrections are strokes too, and it is suggested anew after every few of them.
- `drafts`: what is learned from the photos finished so far, without strokes, is taken over and corrected.
- `model`: the same with the label map of the newest model. `finetune` is trained when TRAINED_AFTER photos
  are finished; before that the person labels with brush and polygon.
- `suggestions and superpixels`: as `suggestions`, corrected with superpixels too.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.measuring import Report, say, table
from benchmarks.person import NONE, Person, stroke_through
from benchmarks.superpixels import segments
from models.catalog import build
from models.encoders.feature_maps import pretrained_feature_maps
from models.experiments.dataset import Dataset
from models.experiments.run import Run
from models.images.photos import read_label_map, read_photo
from models.suggestion import SeenPhoto, suggest
from models.training.feature_store import FeatureStore
from models.training.logistic import Rows
from models.training.trainer import train
from models.translation.translator import Translator

PHOTOS, GOAL = 10, 0.95
ENCODER = "efficientnet_lite0"
SEGMENTS = 2000
WAIT_S = 1.0
"""How long the first suggestion takes to come; during the later ones the person goes on."""
SMALLEST, EVERY = 100, 5
"""Pixels of a class that gets a first stroke, and corrections between two suggestions."""
TRAINED_AFTER = (2, 4, 7)
"""How many photos are finished when a model is trained; it helps with the photos that follow."""


@dataclass(frozen=True)
class Known:
    """What there is to help with a photo: it as suggestions see it, what the photos `finished` before teach,
    and the label map that the newest model gives, if there is a model.
    """

    photo: SeenPhoto
    finished: list[Rows]
    by_model: NDArray[np.uint8] | None


Finish = Callable[[Person, Known], None]


def by_hand(person: Person, known: Known) -> None:
    """Label from what is there."""
    person.correct(GOAL)


def with_suggestions(person: Person, known: Known) -> None:
    """Draw a stroke on every class; then correct what is suggested, which is new after every few corrections,
    as these are strokes too.
    """
    for index in range(person.classes):
        if (person.truth == index).sum() >= SMALLEST:
            drawn = stroke_through(person.truth == index)
            person.painted[drawn] = index
            person.effort.key()
            person.effort.stroke(float(np.ptp(np.nonzero(drawn)[1])))
    person.effort.seconds += WAIT_S
    goes_on = True
    while goes_on:
        person.map[:] = suggest(known.photo, person.classes, known.finished, person.painted).label_map
        goes_on = person.correct(GOAL, EVERY)
    person.correct(GOAL)


def with_drafts(person: Person, known: Known) -> None:
    """Take over what is learned from finished photos, if there are any, and correct it."""
    if known.finished:
        person.effort.key(WAIT_S)
        person.map[:] = suggest(known.photo, person.classes, known.finished, person.map).label_map
    person.correct(GOAL)


def with_model(person: Person, known: Known) -> None:
    """Take over what the newest model gives, if there is one, and correct it."""
    if known.by_model is not None:
        person.effort.key(WAIT_S)
        person.map[:] = known.by_model
    person.correct(GOAL)


WAYS: dict[str, tuple[Finish, bool]] = {
    "brush and polygon": (by_hand, False),
    "superpixels": (by_hand, True),
    "suggestions": (with_suggestions, False),
    "drafts": (with_drafts, False),
    "model": (with_model, False),
    "suggestions and superpixels": (with_suggestions, True),
}
"""Each way with whether there is a superpixel brush."""


def _trained(data: Dataset, pairs: tuple[str, ...], work: Path) -> Translator:
    """The model that `finetune` makes of these pairs."""
    run = Run(data, build("tiny", "finetune", encoder=ENCODER), pairs).prepare(work)
    train(run.path, "cpu")
    return Translator.load(run.model, "cpu")


def _rows(data: Dataset, work: Path) -> Iterator[dict[str, Any]]:
    assert data.class_table, "the data set needs classes.json"
    classes = len(data.class_table.names)
    store = FeatureStore(pretrained_feature_maps(ENCODER)[0], None)
    picked = np.linspace(0, len(data.train) - 1, PHOTOS).round().astype(int)
    names = tuple(data.train[at] for at in picked)
    finished: list[Rows] = []
    model: Translator | None = None
    for number, name in enumerate(names):
        if number in TRAINED_AFTER:
            model = _trained(data, names[:number], work)
        path, label_map = data.pair("train", name)
        photo, truth = SeenPhoto.of(path, store), read_label_map(label_map)
        truth = np.where(truth < classes, truth, NONE).astype(np.uint8)
        superpixels = segments(read_photo(path), SEGMENTS)
        by_model = model.translate(read_photo(path)).label_map if model else None
        known = Known(photo, list(finished), by_model)
        for way, (finish, has_superpixels) in WAYS.items():
            person = Person(truth, classes, number, superpixels if has_superpixels else None)
            finish(person, known)
            effort = person.effort
            yield {
                **{"way": way, "photo": number, "strokes": effort.strokes, "clicks": effort.clicks},
                **{"keys": effort.keys, "seconds": effort.seconds, "right": person.right},
            }
        finished.append(photo.finished(label_map, data.class_table))


def means(rows: list[Any]) -> list[dict[str, Any]]:
    """The means of each way over the photos, and its seconds as a share of those by brush and polygon."""
    found: list[dict[str, Any]] = []
    for way in WAYS:
        mine = [row for row in rows if row["way"] == way]
        mean = {
            name: float(np.mean([row[name] for row in mine])) for name in ("strokes", "clicks", "seconds")
        }
        share = mean["seconds"] / (found[0]["seconds"] if found else mean["seconds"])
        found.append({"way": way, **mean, "share": share, "right": min(row["right"] for row in mine)})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/annotator.json"))
    arguments = parser.parse_args()
    about = {"photos": PHOTOS, "goal": GOAL, "segments": SEGMENTS}
    report = Report(arguments.out, torch.device("cpu"), data=arguments.data.name, **about)
    with tempfile.TemporaryDirectory() as work:
        for row in _rows(Dataset(arguments.data), Path(work)):
            report.add(**row)
    say(table(means(list(report.rows))))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
