from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from models.encoders.feature_maps import FeatureMaps, pretrained_feature_maps
from models.images.photos import write_label_map
from models.training import feature_data
from models.training.aspect_data import common_size, sized_pair
from models.training.data import TrainingFiles
from models.training.feature_data import VIEWS, View, class_shares, class_weights, feature_rows, seen
from tests.models.runs import TABLE, write_scenes


@pytest.fixture(scope="module")
def encoder() -> FeatureMaps:
    return pretrained_feature_maps("efficientnet_lite0")[0]


def files(folder: Path, count: int, **size: int) -> TrainingFiles:
    return TrainingFiles(TABLE, write_scenes(folder, count, **size), [], [])


def test_class_shares_are_counted() -> None:
    """Each number equals a count over the 64 pixels of its cell; unlabelled pixels count for no class."""
    random = np.random.default_rng(0)
    classes = random.choice(np.array([0, 1, 2, TABLE.ignore], np.uint8), size=(16, 24))
    shares = class_shares(torch.from_numpy(classes), 3).reshape(2, 3, 3)
    for row in range(2):
        for column in range(3):
            cell = classes[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
            expected = [(cell == index).sum() / 64 for index in range(3)]
            assert shares[row, column].tolist() == pytest.approx(expected)


def test_rare_classes_weigh_more_up_to_ten() -> None:
    """min(10, √(1 / (f + 0.001))), whatever the scale of the frequencies."""
    weights = class_weights(torch.tensor([98.0, 2.0, 0.0])).tolist()
    assert weights == pytest.approx([(1 / 0.981) ** 0.5, (1 / 0.021) ** 0.5, 10])


def ramp(height: int, width: int) -> Tensor:
    """An image (3, H, W) of the column's number, so that a place can be read off."""
    return torch.arange(width).expand(3, height, width).to(torch.uint8)


def test_views_show_the_same_part_of_photo_and_label_map() -> None:
    """A view of a photo and of its label map show the same columns, mirrored alike; the size stays."""
    photo = ramp(64, 96)
    for view in (*VIEWS, View(0.2, 0.3, 0.5, flipped=True)):
        shown, classes = seen(photo, view), seen(photo[:1], view)
        assert shown.shape == photo.shape
        assert (shown[:1].int() - classes.int()).abs().max() <= 1
        ends = classes[0, 0, [0, -1]].tolist()
        expected = [96 * view.left, 96 * (view.left + view.side) - 1]
        assert sorted(ends) == pytest.approx(expected, abs=1)
        assert (ends[0] > ends[1]) == view.flipped


def test_rows_are_the_weighted_shares_of_labelled_cells(encoder: FeatureMaps, tmp_path: Path) -> None:
    """Row for row, targets are class shares times class weights, and cells without a label are left out."""
    pair = files(tmp_path, 1, height=64, width=64).pairs[0]
    labelled = np.full((64, 64), TABLE.ignore, np.uint8)
    labelled[8:24, 16:32] = 2
    write_label_map(pair[1], labelled)
    rows = feature_rows(encoder, TrainingFiles(TABLE, [pair], [], []), 64, 0)
    shares = [class_shares(seen(torch.from_numpy(labelled)[None], view)[0], 3) for view in VIEWS]
    together = torch.cat([share[share.sum(dim=1) > 0] for share in shares])
    expected = together * class_weights(together.sum(dim=0))
    assert 8 < len(expected) < 4 * 64
    torch.testing.assert_close(rows.targets, expected)
    assert rows.features.shape == (len(expected), 496)


def test_many_pairs_fit_into_memory(
    encoder: FeatureMaps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of too many rows or numbers an equal part of each view is kept, chosen by the seed; many pairs have
    fewer views.
    """
    data = files(tmp_path, 3, height=64, width=64)
    whole = feature_rows(encoder, data, 64, 0)
    with monkeypatch.context() as patch:
        patch.setattr(feature_data, "MOST_NUMBERS", 496 * 3 * 4 * 9)
        assert len(feature_rows(encoder, data, 64, 0).features) == 3 * 4 * 9
    monkeypatch.setattr(feature_data, "MOST_ROWS", 3 * 4 * 10)
    some, again, other = (feature_rows(encoder, data, 64, seed) for seed in (0, 0, 1))
    assert (len(whole.features), len(some.features)) == (3 * 4 * 64, 3 * 4 * 10)
    assert torch.equal(some.features, again.features)
    assert not torch.equal(some.features, other.features)
    monkeypatch.setattr(feature_data, "MOST_VIEWS", 6)
    assert len(feature_rows(encoder, data, 64, 0).features) == 3 * 2 * 20


def test_photos_of_different_aspects_stay_apart(encoder: FeatureMaps, tmp_path: Path) -> None:
    """A wide and a tall photo give as many rows as their working sizes have cells."""
    wide, tall = (
        files(tmp_path / "a", 1, height=64, width=256),
        files(tmp_path / "b", 1, height=256, width=64),
    )
    both = replace(wide, pairs=[*wide.pairs, *tall.pairs])
    sizes = [tuple(sized_pair(pair, TABLE, 128)[1].shape) for pair in both.pairs]
    assert sizes == [(64, 256), (256, 64)]
    rows = feature_rows(encoder, both, 128, 0)
    assert len(rows.features) <= 2 * 4 * 8 * 32
    assert len(rows.features) > 0.9 * 2 * 4 * 8 * 32


def test_a_label_map_of_another_size_is_laid_over_its_photo(tmp_path: Path) -> None:
    """Label maps are resized by nearest neighbour to the photo's working size, and checked."""
    pair = files(tmp_path, 1, height=48, width=64).pairs[0]
    write_label_map(pair[1], np.array([[0, 1], [2, TABLE.ignore]], np.uint8))
    photo, classes = sized_pair(pair, TABLE, 64)
    assert photo.shape[1:] == classes.shape == (64, 64)
    assert [classes[y, x].item() for y in (0, 63) for x in (0, 63)] == [0, 1, 2, TABLE.ignore]
    Image.fromarray(np.full((4, 4), 9, np.uint8)).save(pair[1])
    with pytest.raises(ValueError, match=r"label map label0\.png: .*9"):
        sized_pair(pair, TABLE, 64)


def test_crops_have_the_median_aspect() -> None:
    """Of two wide photos and a tall one, crops are wide, with about the asked area."""
    photos = [torch.zeros(3, 96, 192), torch.zeros(3, 192, 96), torch.zeros(3, 128, 160)]
    assert common_size(photos[:1], 256) == (192, 352)
    assert common_size(photos, 256) == (224, 288)
