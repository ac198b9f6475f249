"""The features of the patches of photos."""

import numpy as np
import pytest
import torch

from models.encoders.feature_maps import pretrained_feature_maps
from models.encoders.patches import DIMENSION, GRID, PatchFeatures
from scenes import draw
from tests.models.encoding import encoder_for_tests, weights_for_tests


def test_patches_are_means_in_random_directions() -> None:
    """A plain loop over maps and patches gives the same: the means over the patch, times the directions."""
    rng = np.random.default_rng(0)
    maps = [rng.normal(size=(2, channels, side, side)) for channels, side in ((5, 32), (7, 8))]
    features = PatchFeatures([5, 7])
    found = features([torch.tensor(each, dtype=torch.float32) for each in maps])
    assert found.dtype == torch.float16
    directions = features.directions.numpy()
    for photo in range(2):
        for y in range(GRID):
            for x in range(GRID):
                parts = []
                for each in maps:
                    size = each.shape[2] // GRID
                    rows, columns = slice(y * size, (y + 1) * size), slice(x * size, (x + 1) * size)
                    parts.append(each[photo, :, rows, columns].mean(axis=(1, 2)))
                expected = np.concatenate(parts) @ directions
                assert found[photo, y * GRID + x].numpy() == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet50"])
def test_patches_come_from_the_maps_of_four_strides(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An encoder's patches are those of its feature maps at strides 4, 8, 16 and 32 of the 256² photo."""
    photo = draw(3, 0, (256, 256)).photo[None]
    maps, _ = pretrained_feature_maps(name, weights_for_tests(name, tmp_path_factory))
    with torch.inference_mode():
        scaled = torch.tensor(photo).permute(0, 3, 1, 2) / 127.5 - 1
        expected = PatchFeatures(maps.channels)(maps(scaled)).numpy()
    patches = encoder_for_tests(name, tmp_path_factory).features(photo).patches
    assert patches is not None
    assert patches.shape == (1, GRID**2, DIMENSION)
    assert np.allclose(patches, expected, atol=2e-3 * float(np.abs(expected).max()))


def test_distances_survive_the_projection() -> None:
    """Distances between patches change by a tenth of themselves on average, and by less than a half."""
    rng = np.random.default_rng(1)
    maps = [torch.tensor(rng.normal(size=(4, 200, GRID, GRID)), dtype=torch.float32) for _ in range(2)]
    projected = PatchFeatures([200, 200])(maps).flatten(0, 1).double()
    whole = torch.cat(maps, dim=1).flatten(2).transpose(1, 2).flatten(0, 1).double()
    ratios = torch.pdist(projected) / torch.pdist(whole)
    assert float((ratios - 1).abs().mean()) < 0.12
    assert 0.5 < float(ratios.min()) < float(ratios.max()) < 1.5
