from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.evaluation import EvaluationItem
from models.training.data import TrainingFiles
from models.training.manifest import Manifest, Validation
from tests.models.runs import TABLE

A, B, C, D = (Path("/data") / name for name in ("a.jpg", "a.png", "c.jpg", "d.jpg"))
RUN = Path("/runs/1")
FILES = TrainingFiles(TABLE, [(A, B)], [C], [B], RUN / "features")
WHOLE = Manifest(
    FILES,
    [(A, B), (C, B)],
    Validation(None, (EvaluationItem(str(D), D, B),)),
    {"upload": 1},
)


@pytest.mark.parametrize(
    "manifest", [WHOLE, Manifest(TrainingFiles(None, [], [C], [B], RUN / "features"), [])]
)
def test_a_manifest_survives_json(manifest: Manifest) -> None:
    """A manifest equals the one read back from its JSON text, with and without its optional parts."""
    value = json.loads(json.dumps(manifest.to_json()))
    assert Manifest.from_json(value, RUN) == manifest


def test_relative_paths_start_at_the_run_directory() -> None:
    """A manifest can be written with paths relative to its folder; reading makes them absolute."""
    manifest = Manifest(TrainingFiles(None, [(Path("data/a"), Path("data/b"))], [], []), [])
    read = Manifest.from_json(manifest.to_json(), RUN)
    assert list(read.paths()) == [RUN / "data/a", RUN / "data/b"]


def test_every_file_is_listed() -> None:
    """`paths` has all files of the training, of the samples and of the validation."""
    assert set(WHOLE.paths()) == {A, B, C, D}
