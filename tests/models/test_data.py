from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.catalog import TrainingSpec
from models.images.photos import write_label_map
from models.images.tensors import scaled, to_tensor, unscaled
from models.training.data import TrainingData, TrainingFiles
from models.training.methods import method_named
from tests.models.runs import TABLE, small_spec, write_scenes

CPU = torch.device("cpu")


def load(files: TrainingFiles, spec: TrainingSpec) -> TrainingData:
    size = partial(method_named(spec.method).epoch_size, spec, len(files.pairs), len(files.unpaired_photos))
    return TrainingData(files, spec, size, CPU)


def write_gradients(folder: Path, count: int) -> TrainingFiles:
    """Pairs whose photo and target are the same image, in which every column and row has its own colour."""
    folder.mkdir(exist_ok=True)
    paths = []
    for index in range(count):
        rows, columns = np.mgrid[0:36, 0:36]
        pixels = np.stack([rows * 7, columns * 7, np.full_like(rows, 20 * index)], axis=2).astype(np.uint8)
        paths.append(folder / f"{index}.png")
        Image.fromarray(pixels).save(paths[-1])
    return TrainingFiles(None, [(path, path) for path in paths], paths, paths)


def test_scaling_is_inverse_for_every_byte() -> None:
    """0 to 255 map onto [−1, 1] and back without loss."""
    values = torch.arange(256, dtype=torch.uint8)
    assert scaled(values)[[0, 255]].tolist() == [-1, 1]
    assert torch.equal(unscaled(scaled(values)), values)


def test_pairs_share_crop_and_flip(tmp_path: Path) -> None:
    """Photo and label map of a pair are cropped alike, at varying places, and flipped half of the time."""
    data = load(write_gradients(tmp_path, 3), small_spec("pix2pix", batch_size=2))
    batches = [data.batch(step) for step in range(60)]
    assert all(torch.equal(batch.x, batch.y) for batch in batches)
    corners = [tuple(sample[:2, 0, 0].tolist()) for batch in batches for sample in batch.x]
    assert len(set(corners)) > 30
    flipped = [bool(sample[1, 0, 0] > sample[1, 0, 1]) for batch in batches for sample in batch.x]
    assert 35 < sum(flipped) < 85


def test_crops_are_pixels_of_the_image(tmp_path: Path) -> None:
    """A crop is a 32² window of the 36² image, moved by 0 to 4 pixels each way and perhaps mirrored."""
    data = load(write_gradients(tmp_path, 1), small_spec("pix2pix"))
    seen = set()
    for step in range(200):
        crop = unscaled(data.batch(step).x[0])
        crop = crop.flip(-1) if crop[1, 0, 0] > crop[1, 0, 1] else crop
        top, left = int(crop[0, 0, 0]) // 7, int(crop[1, 0, 0]) // 7
        window = np.asarray(Image.open(tmp_path / "0.png"))[top : top + 32, left : left + 32]
        assert torch.equal(crop, to_tensor(window))
        seen.add((top, left))
    assert seen == {(top, left) for top in range(5) for left in range(5)}


def test_unpaired_samples_are_cropped_independently(tmp_path: Path) -> None:
    """Photo and label map of an unpaired step are cropped at different places."""
    data = load(write_gradients(tmp_path, 1), small_spec("cyclegan"))
    batches = [data.batch(step) for step in range(30)]
    assert sum(torch.equal(batch.x, batch.y) for batch in batches) < 6


def test_a_batch_depends_on_seed_and_step_only(tmp_path: Path) -> None:
    """A step's batch is the same in whatever order steps are read; another seed gives others."""
    files = write_gradients(tmp_path, 3)
    one, two = load(files, small_spec("hybrid")), load(files, small_spec("hybrid"))
    forwards = [one.batch(step) for step in range(10)]
    for step in (9, 2, 5):
        again = two.batch(step)
        assert torch.equal(again.x, forwards[step].x)
        assert torch.equal(again.y, forwards[step].y)
    other = load(files, small_spec("hybrid", seed=1))
    assert not torch.equal(
        torch.cat([other.batch(s).x for s in range(10)]), torch.cat([b.x for b in forwards])
    )


@pytest.mark.parametrize("resize", ["bicubic", "nearest"])
def test_label_maps_are_coloured_then_resized(tmp_path: Path, resize: str) -> None:
    """Label maps get their class colours and are then resized: bicubic (mixed colours at edges) or nearest
    (none).
    """
    pairs = write_scenes(tmp_path, 2)
    files = TrainingFiles(TABLE, pairs, [], [])
    spec = small_spec("pix2pix", label_resize=resize, load_size=40)
    pixels = unscaled(load(files, spec).batch(0).y[0]).flatten(1).T.tolist()
    pure = {(0, 0, 0), *TABLE.colors}
    mixed = sum(tuple(pixel) not in pure for pixel in pixels) / len(pixels)
    assert mixed == 0 if resize == "nearest" else 0.05 < mixed < 0.8


def test_a_label_map_with_an_unknown_class_is_named(tmp_path: Path) -> None:
    """An index outside the class table stops the training with the file's name."""
    pairs = write_scenes(tmp_path, 1)
    write_label_map(pairs[0][1], np.full((48, 64), 9, dtype=np.uint8))
    with pytest.raises(ValueError, match=r"label0\.png: class index 9 is unknown"):
        load(TrainingFiles(TABLE, pairs, [], []), small_spec("pix2pix"))
