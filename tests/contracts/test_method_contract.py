"""What every training method promises. A new method passes these tests without a change to them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from models.catalog import METHODS
from models.images.palette import ClassTable
from models.images.photos import write_label_map
from models.training.methods import method_named
from models.training.trainer import TrainingDiverged, train
from models.translation.artifacts import load_model
from models.translation.translator import Translator
from tests.models.runs import (
    TABLE,
    losses,
    metric_lines,
    poison,
    resumable_spec,
    scene,
    small_spec,
    train_until,
    write_run,
)

CPU = torch.device("cpu")
SIZES = {"tiny": (3, 5), "odd": (57, 91), "12 megapixels": (3000, 4000)}
"""Heights and widths."""


@pytest.fixture(scope="module", params=METHODS)
def finished(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of each method, trained to its end without interruption."""
    run_dir = write_run(tmp_path_factory.mktemp("finished"), resumable_spec(request.param))
    train(run_dir, "cpu")
    return run_dir


def method_of(run_dir: Path) -> str:
    return str(json.loads((run_dir / "spec.json").read_text())["method"])


def test_a_stopped_training_ends_bit_identical(finished: Path, tmp_path: Path) -> None:
    """A run stopped between checkpoints and at the last step has the same losses and the same weights."""
    stopped = write_run(tmp_path, resumable_spec(method_of(finished)))
    for step in (5, 11, 12):
        train_until(stopped, step)
    assert losses(stopped) == losses(finished)
    name = "checkpoint.safetensors"
    assert (stopped / name).read_bytes() == (finished / name).read_bytes()


def test_the_onnx_file_equals_the_network(finished: Path) -> None:
    """Both give the same output for random photos: of one size, or of two if the method keeps the aspect."""
    network, spec = load_model(finished / "model")
    session = onnxruntime.InferenceSession(finished / "model" / "photo_to_label.onnx")
    size = spec.training.image_size
    shapes = [(3, 3, 64, 32), (1, 3, 32, 96)] if METHODS[spec.training.method].keeps_aspect else []
    for shape in shapes or [(3, 3, size, size)]:
        photos = torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
        (output,) = session.run(None, {"photo": photos.numpy()})
        torch.testing.assert_close(torch.from_numpy(output), network(photos), rtol=1e-3, atol=1e-3)


def test_it_translates_photos_of_all_sizes(finished: Path) -> None:
    """The label map of a tiny, an odd and a large photo has the photo's size."""
    translator = Translator.load(finished / "model", "cpu")
    for size in SIZES.values():
        label_map = translator.translate(large(*size)[0]).label_map
        assert label_map is not None
        assert label_map.shape == size


@pytest.mark.parametrize("method", METHODS)
def test_a_nan_stops_it(tmp_path: Path, method: str) -> None:
    """A NaN in a trained weight fails the step by number; earlier losses and the checkpoint stay."""
    run_dir = write_run(tmp_path, small_spec(method, total_steps=8, log_every=2))
    train_until(run_dir, 4)
    checkpoint = run_dir / "checkpoint.safetensors"
    poison(checkpoint, trained_weight(checkpoint))
    before = checkpoint.read_bytes()
    with pytest.raises(TrainingDiverged, match=r"^step 5: \w+ is nan; all losses: \{'"):
        train(run_dir, "cpu")
    assert checkpoint.read_bytes() == before
    assert [line["step"] for line in metric_lines(run_dir)] == [2, 4]
    assert not (run_dir / "result.json").exists()


def trained_weight(checkpoint: Path) -> str:
    """A float tensor of the networks outside the frozen encoder, which a step may not read."""
    names = [name for name, tensor in load_file(checkpoint).items() if tensor.is_floating_point()]
    return next(name for name in sorted(names) if name.startswith("networks/") and "encoder" not in name)


@pytest.mark.parametrize("method", METHODS)
def test_the_seed_alone_decides_the_first_weights(method: str) -> None:
    """One seed gives the same first weights whatever the global random state."""
    spec = small_spec(method)
    one = method_named(method)(spec, CPU, TABLE)
    torch.manual_seed(1234)
    two = method_named(method)(spec, CPU, TABLE)
    for name, network in one.networks.items():
        ours, theirs = network.state_dict(), two.networks[name].state_dict()
        assert all(torch.equal(tensor, theirs[key]) for key, tensor in ours.items())


@pytest.mark.parametrize("method", [name for name, facts in METHODS.items() if not facts.beyond])
def test_another_seed_gives_other_weights(method: str) -> None:
    """Networks that start from random weights start from others. Methods beyond the paper start from a
    pretrained encoder and from zeros, whatever the seed.
    """
    spec = small_spec(method)
    one, other = (method_named(method)(replace(spec, seed=seed), CPU, TABLE) for seed in (0, 1))
    for name in [name for name, network in one.networks.items() if list(network.parameters())]:
        weights = [next(each.networks[name].parameters()) for each in (one, other)]
        assert not torch.equal(*weights)


@pytest.mark.parametrize("method", METHODS)
def test_it_learns_from_photos_of_all_sizes(tmp_path: Path, method: str) -> None:
    """A training on a tiny, an odd and a large photo, with a class that no label map has and a label map
    without a labelled pixel, has finite losses and weights.
    """
    names = (*TABLE.names, "absent")
    table = ClassTable(names, (*TABLE.colors, (250, 250, 250)), TABLE.ignore)
    run_dir = write_run(tmp_path, small_spec(method, total_steps=4), class_table=table.to_json())
    pairs = []
    for name, (height, width) in SIZES.items():
        photo, label_map = large(height, width)
        paths = f"data/{name}.jpg", f"data/{name}.png"
        Image.fromarray(photo).save(run_dir / paths[0])
        write_label_map(run_dir / paths[1], label_map)
        pairs.append(paths)
    write_label_map(run_dir / "data/unlabelled.png", np.full((48, 64), TABLE.ignore, np.uint8))
    pairs.append(("data/photo0.png", "data/unlabelled.png"))
    replace_manifest(
        run_dir, pairs=pairs, unpaired_photos=[photo for photo, _ in pairs], unpaired_label_maps=[pairs[0][1]]
    )
    train_until(run_dir, 4)
    assert all(np.isfinite(list(line["losses"].values())).all() for line in metric_lines(run_dir))


def large(height: int, width: int) -> tuple[Any, Any]:
    """A scene enlarged, or cut, to that size."""
    photo, label_map = scene(7)
    rows, columns = (np.arange(side) * small // side for side, small in ((height, 48), (width, 64)))
    return photo[rows][:, columns], label_map[rows][:, columns]


@pytest.mark.parametrize("method", METHODS)
def test_one_class_one_pair_and_nothing_else(tmp_path: Path, method: str) -> None:
    """A method trains on one pair of one class without unpaired photos, or says what it needs."""
    table = ClassTable(("ground",), ((128, 64, 128),), TABLE.ignore)
    spec = small_spec(method, total_steps=4)
    run_dir = write_run(tmp_path, spec, pair_count=1, class_table=table.to_json())
    write_label_map(run_dir / "data/label0.png", np.zeros((48, 64), np.uint8))
    pair = ["data/photo0.png", "data/label0.png"]
    replace_manifest(run_dir, pairs=[pair], unpaired_photos=[], unpaired_label_maps=[])
    if METHODS[method].needs_unpaired:
        with pytest.raises(ValueError, match=f"{method} needs unpaired photos"):
            train(run_dir, "cpu")
        replace_manifest(run_dir, unpaired_photos=pair[:1], unpaired_label_maps=pair[1:])
    train_until(run_dir, 4)
    assert [line["step"] for line in metric_lines(run_dir)] == [1, 2, 3, 4]


def replace_manifest(run_dir: Path, **values: Any) -> None:
    path = run_dir / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize("method", [name for name, facts in METHODS.items() if facts.learns_classes])
def test_unlabelled_pixels_teach_nothing(tmp_path: Path, method: str) -> None:
    """Where no pixel has a class there is no loss; a method that starts from a fit says that it has nothing
    to fit.
    """
    run_dir = write_run(tmp_path, small_spec(method, total_steps=4), pair_count=1)
    write_label_map(run_dir / "data/label0.png", np.full((48, 64), TABLE.ignore, np.uint8))
    if METHODS[method].beyond:
        with pytest.raises(ValueError, match="no pixel of the pairs has a class"):
            train(run_dir, "cpu")
    else:
        train_until(run_dir, 4)
        assert {loss for _, values in losses(run_dir) for loss in values.values()} == {0}
