"""Random crops, colours and CutMix."""

import numpy as np
import pytest
import torch
from torch import Tensor

from models.training.augmentation import Window, cutmix_masks, jittered, mixed, window


def _random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_a_window_of_the_same_size_is_a_plain_slice() -> None:
    """A window cut at its own size holds exactly its pixels; flipped, in the opposite order."""
    photo, classes = _noise(3, 20, 30), torch.arange(600).view(20, 30)
    for flipped, columns in ((False, list(range(4, 16))), (True, list(range(15, 3, -1)))):
        seen = Window(2, 4, 10, 12, flipped)
        torch.testing.assert_close(seen.cut(photo, 10, 12), photo[:, 2:12][:, :, columns])
        assert torch.equal(seen.cut_classes(classes, 10, 12), classes[2:12][:, columns])


def test_photo_and_classes_stay_aligned_when_a_window_is_enlarged() -> None:
    """Where a window of a photo in two colours is clearly one of them, the enlarged classes say the same."""
    classes = torch.zeros(32, 32, dtype=torch.uint8)
    classes[:, 12:] = 1
    photo = (classes.float() * 2 - 1).expand(3, 32, 32)
    random = _random()
    for _ in range(20):
        seen = window((32, 32), (32, 32), 2.0, random)
        grey, labels = seen.cut(photo, 32, 32)[0], seen.cut_classes(classes, 32, 32)
        clear = grey.abs() > 0.95
        assert clear.float().mean() > 0.8
        assert torch.equal(grey[clear] > 0, labels[clear] == 1)
        assert labels.dtype == torch.uint8


def test_windows_keep_the_aspect_and_stay_inside() -> None:
    """At zoom 1 the window is the largest of the crop's aspect; otherwise its area is at least 1 / zoom² of
    that, it lies inside the photo, and every row and column is reached."""
    assert {window((60, 80), (24, 32), 1.0, _random(seed)) for seed in range(20)} == {
        Window(0, 0, 60, 80, False),
        Window(0, 0, 60, 80, True),
    }
    random, reached = _random(), np.zeros((60, 100), dtype=bool)
    for _ in range(400):
        seen = window((60, 100), (24, 32), 2.0, random)
        assert 30 <= seen.height <= 60
        assert seen.width == pytest.approx(seen.height * 4 / 3, abs=1.5)
        assert 0 <= seen.top <= 60 - seen.height
        assert 0 <= seen.left <= 100 - seen.width
        reached[seen.top : seen.top + seen.height, seen.left : seen.left + seen.width] = True
    assert reached.any(axis=0).all()
    assert reached.any(axis=1).all()


def test_the_jitter_equals_a_plain_computation() -> None:
    """Brightness, contrast and saturation, pixel by pixel in NumPy, give the same photos."""
    photos = _noise(2, 3, 4, 5)
    factors = _random(3).uniform(0.6, 1.4, size=(3, 2))
    expected = np.empty((2, 3, 4, 5))
    for index, photo in enumerate((photos.double().numpy() + 1) / 2):
        brightness, contrast, saturation = factors[:, index]
        photo = photo * brightness
        photo = photo.mean() + (photo - photo.mean()) * contrast
        grey = 0.299 * photo[0] + 0.587 * photo[1] + 0.114 * photo[2]
        expected[index] = np.clip(grey + (photo - grey) * saturation, 0, 1) * 2 - 1
    result = jittered(photos, 0.4, _random(3))
    np.testing.assert_allclose(result.numpy(), expected, atol=1e-5)
    torch.testing.assert_close(jittered(photos, 0.0, _random(3)), photos)


def test_cutmix_replaces_photo_and_classes_alike() -> None:
    """A pixel comes, with its class, from the same place of the sample before; all others stay."""
    photos = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 40, 50)
    classes = torch.arange(4).view(4, 1, 1).expand(4, 40, 50)
    masks = cutmix_masks(4, 40, 50, 1.0, _random())
    new_photos, new_classes = mixed(photos, masks), mixed(classes, masks)
    assert torch.equal(new_photos[:, 0].long(), new_classes)
    for index in range(4):
        assert (new_classes[index][masks[index]] == (index - 1) % 4).all()
        assert (new_classes[index][~masks[index]] == index).all()


def test_cutmix_replaces_one_rectangle_of_10_to_50_percent() -> None:
    """Every mask is one full rectangle of the promised size, and about half of them are empty at p = ½."""
    masks = cutmix_masks(200, 40, 50, 0.5, _random()).numpy()
    filled = [mask for mask in masks if mask.any()]
    assert 70 < len(filled) < 130
    for mask in filled:
        rows, columns = mask.any(axis=1), mask.any(axis=0)
        assert (mask == rows[:, None] & columns[None]).all()
        for side in (rows, columns):
            assert np.diff(np.flatnonzero(side)).max() == 1
        assert 0.09 < mask.mean() < 0.52
    assert not cutmix_masks(20, 40, 50, 0.0, _random()).any()
