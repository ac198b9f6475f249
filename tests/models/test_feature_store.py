"""Features of photos that are kept in files: what they are, and that they are used."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from models.encoders.feature_maps import FeatureMaps, pretrained_feature_maps
from models.images.tensors import scaled, to_tensor
from models.training.data import TrainingFiles
from models.training.feature_data import feature_rows
from models.training.feature_store import FeaturesFile, compact_maps, weights_digest
from models.training.networks.dense import at_stride_8
from tests.models.encoding import TIMM, weights_for_tests
from tests.models.runs import TABLE, scene, write_scenes

VIEWS = 4


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> FeatureMaps:
    name = f"timm:{TIMM}"
    return pretrained_feature_maps(name, weights_for_tests(name, tmp_path_factory))[0]


def files(folder: Path, features: Path | None) -> TrainingFiles:
    return TrainingFiles(TABLE, write_scenes(folder, 2), [], [], features)


def test_kept_features_give_the_same_rows(encoder: FeatureMaps, tmp_path: Path) -> None:
    """Features that are computed, computed and kept, or read again are the same bits; nothing is kept
    twice.
    """
    kept = tmp_path / "features"
    plain = feature_rows(encoder, files(tmp_path / "plain", None), 64, 0)
    first = feature_rows(encoder, files(tmp_path / "first", kept), 64, 0)
    names = sorted(path.name for path in kept.iterdir())
    again = feature_rows(encoder, files(tmp_path / "again", kept), 64, 0)
    assert torch.equal(first.features, plain.features)
    assert torch.equal(again.features, plain.features)
    assert len(names) == 2 * VIEWS
    assert sorted(path.name for path in kept.iterdir()) == names


def test_kept_features_are_read(encoder: FeatureMaps, tmp_path: Path) -> None:
    """When the files hold zeros, so do the rows: the encoder is not asked again."""
    feature_rows(encoder, files(tmp_path, tmp_path / "features"), 64, 0)
    for path in (tmp_path / "features").iterdir():
        np.save(path, np.zeros_like(np.load(path)))
    assert not feature_rows(encoder, files(tmp_path, tmp_path / "features"), 64, 0).features.any()


def test_other_weights_sizes_and_photos_have_other_files(encoder: FeatureMaps, tmp_path: Path) -> None:
    """Features are found by the photo's bytes, the encoder's weights and the size, not by a file's name."""
    kept = tmp_path / "features"
    first = files(tmp_path, kept)
    feature_rows(encoder, first, 64, 0)
    renamed = [tmp_path / f"{name}.png" for name in "ab"]
    for (photo, _), other in zip(first.pairs, renamed, strict=True):
        shutil.copyfile(photo, other)
    same = [(photo, label_map) for photo, (_, label_map) in zip(renamed, first.pairs, strict=True)]
    feature_rows(encoder, TrainingFiles(TABLE, same, [], [], kept), 64, 0)
    assert len(list(kept.iterdir())) == 2 * VIEWS
    feature_rows(encoder, first, 96, 0)
    assert len(list(kept.iterdir())) == 4 * VIEWS
    tuned = pretrained_feature_maps("efficientnet_lite0")[0]
    digest = weights_digest(tuned)
    with torch.no_grad():
        next(tuned.parameters()).flatten()[0].add_(1e-3)
    assert weights_digest(tuned) != digest
    feature_rows(tuned, first, 64, 0)
    assert len(list(kept.iterdir())) == 6 * VIEWS


def test_compact_maps_hold_what_the_head_sees(encoder: FeatureMaps) -> None:
    """At stride 8 they equal the encoder's own maps, up to the rounding to float16."""
    photo = to_tensor(scene(3, height=64, width=96)[0])
    maps = compact_maps(encoder, photo)
    with torch.inference_mode():
        expected = at_stride_8(encoder(scaled(photo[None])))
    found = at_stride_8([one[None].float() for one in maps])
    assert {one.dtype for one in maps} == {torch.float16}
    assert (found - expected).abs().max() <= 2**-10 * expected.abs().max()


def test_a_file_name_tells_what_is_in_it() -> None:
    """The name holds photo, weights and view, and is read back."""
    file = FeaturesFile("a" * 64, "b" * 64, "v1-288x384-cpu-0-0-1000-mirrored")
    assert FeaturesFile.named(file.name) == file
