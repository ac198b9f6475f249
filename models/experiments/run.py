"""One training of an experiment, and the folder it is kept in."""

import hashlib
import json
from dataclasses import dataclass, fields
from functools import cached_property, partial
from pathlib import Path

from models.catalog import METHODS, TrainingSpec
from models.evaluation import EvaluationItem
from models.experiments.dataset import Dataset, LabelSource
from models.training.data import TrainingFiles
from models.training.manifest import Manifest, Validation
from models.training.methods import method_named
from models.training.run_directory import RunDirectory
from models.training.schedule import Schedule

CURVE_POINTS = 10
CURVE_PHOTOS = 25
SAMPLES = 6


@dataclass(frozen=True)
class Run:
    """One training and its samples. Equal runs share a folder, whichever tables they appear in.

    `pairs` and `photos` are names of train photos, `label_maps` names in the source `labels_from`.
    """

    data: Dataset
    spec: TrainingSpec
    pairs: tuple[str, ...]
    photos: tuple[str, ...] = ()
    label_maps: tuple[str, ...] = ()
    labels_from: LabelSource | None = None

    @cached_property
    def key(self) -> str:
        """The content address: it changes with everything that the result depends on. Options with their
        default value do not count, so a new option leaves the keys of old runs as they are.
        """
        defaults = {field.name: field.default for field in fields(self.spec)}
        spec = {name: v for name, v in self.spec.to_json().items() if v != defaults[name]}
        content = {
            "spec": spec,
            "training_version": METHODS[self.spec.method].version,
            "data": self.data.digest,
            "pairs": self.pairs,
            "photos": self.photos,
            "label_maps": self.label_maps,
            "labels_from": self.labels_from and self.labels_from.digest,
        }
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
        return f"{self.spec.recipe}-{self.spec.method}-{len(self.pairs)}-{self.spec.seed}-{digest}"

    @cached_property
    def steps(self) -> int:
        """The number of optimiser steps."""
        spec, pairs, photos = self.spec, len(self.pairs), len(self.photos)
        schedule = Schedule(
            partial(method_named(spec.method).epoch_size, spec, pairs, photos),
            pairs=pairs,
            photos=photos,
            label_maps=len(self.label_maps),
            batch_size=spec.batch_size,
            seed=spec.seed,
            joint=spec.joint,
        )
        return spec.total_steps or schedule.steps(spec.epochs)

    def directory(self, work: Path) -> RunDirectory:
        return RunDirectory(work / "runs" / self.key)

    def prepare(self, work: Path) -> RunDirectory:
        """Write the run directory's spec and manifest, unless the run is finished."""
        run = self.directory(work)
        run.path.mkdir(parents=True, exist_ok=True)
        if not run.result.exists():  # the data may have moved since an earlier attempt
            run.write_manifest(self._manifest())
            run.write_spec(self.spec)
        return run

    def _manifest(self) -> Manifest:
        data, val, source = self.data, self.data.val, self.labels_from
        files = TrainingFiles(
            class_table=data.class_table,
            pairs=[data.pair("train", name) for name in self.pairs],
            unpaired_photos=[data.photo("train", name) for name in self.photos],
            unpaired_label_maps=[
                source.label_maps[name] if source else data.label_map("train", name)
                for name in self.label_maps
            ],
        )
        every = max(1, self.steps // CURVE_POINTS)
        scored = (EvaluationItem(name, *data.pair("val", name)) for name in every_nth(val, CURVE_PHOTOS))
        shown = [data.pair("val", name) for name in every_nth(val, SAMPLES)]
        return Manifest(files, shown, Validation(every, tuple(scored)))


def every_nth(names: tuple[str, ...], count: int) -> tuple[str, ...]:
    """At most `count` of the names, evenly spaced."""
    return names[:: max(1, -(-len(names) // count))]
