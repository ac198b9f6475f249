"""What a training run learns from: the contents of `manifest.json`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Self

from models.evaluation import EvaluationItem
from models.images.palette import ClassTable
from models.training.data import Pair, TrainingFiles

FEATURES = "features"
"""The folder of a run directory for features of its photos (`models.training.feature_store`)."""


@dataclass(frozen=True)
class Validation:
    """Photos with their truths to score every `every` steps and after the last; never to choose a step by.

    `every` is None for about eight times, at most once in as many steps as there are photos.
    """

    every: int | None
    items: tuple[EvaluationItem, ...]


@dataclass(frozen=True)
class Manifest:
    """The files to train on, the samples to show, and what to score the model on meanwhile.

    Relative paths start at the run directory. `label_sources` is for the record: how many of the unpaired
    label maps come from each source.
    """

    files: TrainingFiles
    samples: Sequence[Pair]
    validation: Validation | None = None
    label_sources: Mapping[str, int] | None = None

    def to_json(self) -> dict[str, Any]:
        """{"class_table": {…} or null, "pairs": [[photo, label_map], …], "unpaired_photos": […],
        "unpaired_label_maps": […], "samples": [[photo, label_map], …],
        "validation": {"every": steps or null, "items": [[photo, label_map], …]} or null,
        "label_sources": {source: count} or null}
        """
        files, validation = self.files, self.validation
        return {
            "class_table": files.class_table and files.class_table.to_json(),
            "pairs": _texts(files.pairs),
            "unpaired_photos": [str(photo) for photo in files.unpaired_photos],
            "unpaired_label_maps": [str(label_map) for label_map in files.unpaired_label_maps],
            "samples": _texts(self.samples),
            "validation": validation
            and {
                "every": validation.every,
                "items": _texts((item.photo, item.label_map) for item in validation.items),
            },
            "label_sources": self.label_sources and dict(self.label_sources),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], folder: Path) -> Self:
        """Inverse of `to_json`. Relative paths become absolute by `folder`. Raises ValueError."""
        try:
            table, validation = value["class_table"], value.get("validation")
            return cls(
                TrainingFiles(
                    class_table=None if table is None else ClassTable.from_json(table),
                    pairs=_pairs(value["pairs"], folder),
                    unpaired_photos=[folder / photo for photo in value["unpaired_photos"]],
                    unpaired_label_maps=[folder / label_map for label_map in value["unpaired_label_maps"]],
                    features=folder / FEATURES,
                ),
                _pairs(value["samples"], folder),
                None if validation is None else _validation(validation, folder),
                value.get("label_sources"),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"manifest.json cannot be used: {error!r}") from error

    def paths(self) -> Iterable[Path]:
        """All the files; some come more than once."""
        files, items = self.files, self.validation.items if self.validation else ()
        watched = ((item.photo, item.label_map) for item in items)
        return chain(*files.pairs, files.unpaired_photos, files.unpaired_label_maps, *self.samples, *watched)


def _texts(pairs: Iterable[Pair]) -> list[list[str]]:
    return [[str(photo), str(label_map)] for photo, label_map in pairs]


def _pairs(value: Iterable[tuple[str, str]], folder: Path) -> list[Pair]:
    return [(folder / photo, folder / label_map) for photo, label_map in value]


def _validation(value: Mapping[str, Any], folder: Path) -> Validation:
    items = (EvaluationItem(photo, folder / photo, folder / label_map) for photo, label_map in value["items"])
    every = value["every"]
    return Validation(None if every is None else int(every), tuple(items))
