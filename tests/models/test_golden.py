"""Per-step losses of 20 steps of the tiny recipe, recorded in tests/golden.

A change that does not mean to change the maths must reproduce them. After a change that does, raise the
method's version in models/catalog/methods.py, record new losses, in the folder of that version, and delete
those of the old one, which no code computes any more:

    python -m tests.models.test_golden

The steps are computed in float64, at 32² with 8 channels and a tenth of the learning rate. In float32,
another CPU or another number of threads sums in another order, and twenty steps of a GAN amplify the
difference to several percent; here it stays below 1e-9. The features of a pretrained encoder, which are
computed in float32, differ more, and what is learned from them differs as little as they do.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from models.catalog import METHODS
from models.training.data import TrainingFiles
from models.training.methods import method_named
from models.training.recipes import tiny
from tests.models.runs import TABLE, write_scenes

GOLDEN = Path(__file__).parents[1] / "golden"
EXACT = {"rel": 1e-7}
FEATURES = {"rel": 1e-3, "abs": 1e-3}
"""The tolerance for methods beyond the paper."""


def golden_file(method_name: str) -> Path:
    return GOLDEN / f"v{METHODS[method_name].version}" / f"losses_{method_name}.json"


def record(method_name: str, folder: Path) -> list[dict[str, float]]:
    """The losses of 20 steps on three pairs and five unpaired scenes, one dict per step."""
    size: dict[str, Any] = {"image_size": 32, "load_size": 36, "channels": 8}
    options = {**size, "learning_rate": 2e-5, "total_steps": 20}
    used = {name: value for name, value in options.items() if name not in METHODS[method_name].unused}
    spec = tiny(method_name, **used)
    pairs = write_scenes(folder, 5)
    files = TrainingFiles(TABLE, pairs[:3], [photo for photo, _ in pairs], [label for _, label in pairs])
    method_type, device = method_named(method_name), torch.device("cpu")
    data = method_type.data(spec, files, device)
    torch.set_default_dtype(torch.float64)
    try:
        method = method_type(spec, device, TABLE)
        batches = [data.batch(step) for step in range(20)]
        steps = [method.step(replace(b, x=b.x.double(), y=b.y.double())) for b in batches]
    finally:
        torch.set_default_dtype(torch.float32)
    return [{name: loss.item() for name, loss in losses.items()} for losses in steps]


@pytest.mark.parametrize("method", METHODS)
def test_losses_are_the_recorded_ones(method: str, tmp_path: Path) -> None:
    """Every loss of every step equals the recorded one within the tolerance."""
    expected = json.loads(golden_file(method).read_text())
    losses = record(method, tmp_path)
    tolerance = FEATURES if METHODS[method].beyond else EXACT
    assert len(losses) == len(expected)
    for step, recorded in zip(losses, expected, strict=True):
        assert step == pytest.approx(recorded, **tolerance)


if __name__ == "__main__":
    for name in METHODS:
        if golden_file(name).exists():
            continue  # recorded losses of a version never change
        with tempfile.TemporaryDirectory() as temporary:
            golden = record(name, Path(temporary))
        golden_file(name).parent.mkdir(exist_ok=True)
        golden_file(name).write_text(json.dumps(golden, indent=1) + "\n")
