"""Unlabelled pixels teach nothing, whatever they look like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.catalog import METHODS
from models.images.palette import ClassTable
from models.images.photos import read_label_map, write_label_map
from models.images.tensors import scaled, to_tensor, unscaled
from models.training.data import TrainingData, TrainingFiles
from models.training.methods import Method, method_named
from tests.models.runs import TABLE, scene, small_spec, write_scenes

CPU = torch.device("cpu")
DRAWN = [name for name, facts in METHODS.items() if "label_resize" not in facts.unused]
"""The methods that learn from coloured label maps."""


def trained(
    name: str, files: TrainingFiles, steps: int = 4, **options: Any
) -> tuple[Method, list[dict[str, Tensor]]]:
    """The method after a few steps, and its losses."""
    spec = small_spec(name, total_steps=steps, **options)
    data = method_named(name).data(spec, files, CPU)
    method = method_named(name)(spec, CPU, files.class_table)
    return method, [method.step(data.batch(step)) for step in range(steps)]


def weights(method: Method) -> list[Tensor]:
    return [tensor for network in method.networks.values() for tensor in network.parameters()]


def files_in(folder: Path, table: ClassTable = TABLE) -> TrainingFiles:
    """Three scenes, in which a stripe through the middle is unlabelled."""
    pairs = write_scenes(folder, 3)
    for _, path in pairs:
        label_map = read_label_map(path)
        label_map[:, 26:38] = table.ignore
        write_label_map(path, label_map)
    return TrainingFiles(table, pairs, [photo for photo, _ in pairs], [label for _, label in pairs])


def relabelled(files: TrainingFiles, old: int, new: int) -> None:
    for _, path in files.pairs:
        label_map = read_label_map(path)
        write_label_map(path, np.where(label_map == old, new, label_map).astype(np.uint8))


@pytest.fixture
def red_holes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Draws unlabelled pixels in red, and as transparent as before."""
    draw = ClassTable.draw

    def red(table: ClassTable, indices: NDArray[np.uint8]) -> NDArray[np.uint8]:
        drawn = draw(table, indices)
        drawn[indices == table.ignore, :3] = (255, 0, 0)
        return drawn

    with monkeypatch.context() as patch:
        patch.setattr(ClassTable, "draw", red)
        yield


@pytest.mark.parametrize("resize", ["bicubic", "nearest"])
@pytest.mark.parametrize("name", DRAWN)
def test_weights_do_not_depend_on_the_colour_of_unlabelled_pixels(
    name: str, resize: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The same weights to the last bit, whether unlabelled pixels are drawn black or red."""
    files = files_in(tmp_path)
    black, _ = trained(name, files, label_resize=resize)
    request.getfixturevalue("red_holes")
    red, _ = trained(name, files, label_resize=resize)
    assert all(map(torch.equal, weights(black), weights(red)))


@pytest.mark.parametrize("name", DRAWN)
def test_weights_do_not_depend_on_the_ignore_index(name: str, tmp_path: Path) -> None:
    """Label maps whose unlabelled pixels are 7 in place of 255 give the same weights."""
    files = files_in(tmp_path)
    before, _ = trained(name, files)
    relabelled(files, 255, 7)
    after, _ = trained(name, replace(files, class_table=replace(TABLE, ignore=7)))
    assert all(map(torch.equal, weights(before), weights(after)))


@pytest.mark.parametrize("name", DRAWN)
def test_unlabelled_is_not_a_black_class(name: str, tmp_path: Path) -> None:
    """With a black class, pixels of that class and unlabelled ones give different weights."""
    files = files_in(tmp_path, replace(TABLE, colors=((0, 0, 0), *TABLE.colors[1:])))
    unlabelled, _ = trained(name, files)
    relabelled(files, 255, 0)
    labelled, _ = trained(name, files)
    assert not all(map(torch.equal, weights(unlabelled), weights(labelled)))


@pytest.mark.parametrize("name", DRAWN)
def test_an_unlabelled_label_map_leaves_the_losses_finite(name: str, tmp_path: Path) -> None:
    """A crop without one labelled pixel adds 0 to the losses over labelled pixels, and all stay finite."""
    files = files_in(tmp_path)
    for _, path in files.pairs:
        write_label_map(path, np.full((48, 64), TABLE.ignore, np.uint8))
    method, losses = trained(name, files)
    assert all(torch.isfinite(loss) for step in losses for loss in step.values())
    assert all(torch.isfinite(tensor).all() for tensor in weights(method))
    assert all(step["G_l1"] == 0 for step in losses if "G_l1" in step)


@pytest.mark.parametrize("name", DRAWN)
def test_discriminators_of_label_maps_see_the_same_holes(name: str, tmp_path: Path) -> None:
    """Of real and translated label maps alike, D_Y sees zeros where the batch's label map is unlabelled."""
    files = files_in(tmp_path)
    spec = small_spec(name, pool_size=0)
    data = method_named(name).data(spec, files, CPU)
    method = method_named(name)(spec, CPU, TABLE)
    seen: list[Tensor] = []
    method.networks["D_Y"].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0][:, -3:]))
    for step in range(6):
        batch = data.batch(step)
        assert batch.labelled is not None
        seen.clear()
        method.step(batch)
        assert len(seen) >= 3
        assert all((image * ~batch.labelled == 0).all() for image in seen)
        assert any((image * batch.labelled != 0).any() for image in seen)


def test_only_whole_colours_remain_beside_unlabelled_pixels(tmp_path: Path) -> None:
    """A label map of one class with holes, resized bicubically, is that class's colour where labelled, up to
    the filter's overshoot: the holes' black would make it up to 64 levels darker.
    """
    _, label_map = scene(0)
    (pair,) = write_scenes(tmp_path, 1)
    write_label_map(pair[1], np.where(np.indices(label_map.shape).sum(0) % 11 < 3, 255, 1).astype(np.uint8))
    spec = small_spec("pix2pix", load_size=36)
    data = method_named("pix2pix").data(spec, TrainingFiles(TABLE, [pair], [], []), CPU)
    assert isinstance(data, TrainingData)
    batch = data.batch(0)
    assert batch.labelled is not None
    shown = batch.y[0].flatten(1).T[batch.labelled[0, 0].flatten()]
    assert 0.3 < len(shown) / batch.labelled.numel() < 1
    road = scaled(torch.tensor(TABLE.colors[1]))
    assert (shown - road).abs().max() <= 10 / 127.5


def test_a_photo_labelled_on_a_third_of_its_pixels_is_a_useful_pair(tmp_path: Path) -> None:
    """pix2pix learns most of a photo's classes from blocks that cover 30 % of it. Were the other pixels
    taught in some colour, most of the photo would take that colour.
    """
    ((photo_path, label_path),) = write_scenes(tmp_path, 1, height=40, width=40)
    photo, truth = scene(0, height=40, width=40)
    seen = (np.random.default_rng(0).random((10, 10)) < 0.3).repeat(4, 0).repeat(4, 1)
    assert 0.2 < seen.mean() < 0.35
    write_label_map(label_path, np.where(seen, truth, TABLE.ignore).astype(np.uint8))
    files = TrainingFiles(TABLE, [(photo_path, label_path)], [], [])
    method, _ = trained("pix2pix", files, steps=120, load_size=40, channels=8, learning_rate=1e-3)
    with torch.no_grad():
        output = method.networks["G_XY"](scaled(to_tensor(photo))[None])[0]
    rgb = unscaled(output).permute(1, 2, 0).numpy()
    labelled = truth != TABLE.ignore
    assert (TABLE.decode(rgb) == truth)[labelled].mean() > 0.6
