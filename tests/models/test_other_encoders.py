"""Encoders from elsewhere: networks of timm, and ONNX files."""

import importlib
import sys
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from models.encoders import WeightsUnavailable, load_encoder
from models.encoders.networks import Photos
from scenes import draw
from tests.models.encoding import TIMM, encoder_for_tests, normalised_network, weights_for_tests

timm = importlib.import_module("timm")  # after the encoders, which repair the torchvision that timm imports

NAME = f"timm:{TIMM}"


@pytest.fixture(scope="module")
def photos() -> Photos:
    return np.stack([draw(3, index, (256, 256)).photo for index in range(3)])


def test_timm_gives_what_its_classifier_reads(
    photos: Photos, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """timm's classifier, applied to the embedding, gives timm's logits for the photo, resized and normalised
    as timm's data configuration says.
    """
    network = timm.create_model(TIMM).eval()
    network.load_state_dict(torch.load(weights_for_tests(NAME, tmp_path_factory), weights_only=True))
    config = timm.data.resolve_model_data_config(network)
    assert config["input_size"] == (3, 160, 160)
    small = interpolate(torch.tensor(photos).permute(0, 3, 1, 2).float(), (160, 160), mode="area")
    mean, std = (torch.tensor(config[key]).view(3, 1, 1) for key in ("mean", "std"))
    with torch.inference_mode():
        logits = network((small / 255 - mean) / std)
    embeddings = encoder_for_tests(NAME, tmp_path_factory).encode(photos)
    assert embeddings.shape == (3, network.num_features)
    with torch.inference_mode():
        read = network.get_classifier()(torch.tensor(embeddings))
    # The two ways to resize differ by about a grey level.
    assert torch.allclose(read, logits, atol=0.05 * float(logits.std()))


def test_a_network_that_timm_lacks_is_named_with_similar_ones(tmp_path: Path) -> None:
    """The error lists names with the same beginning."""
    with pytest.raises(WeightsUnavailable, match=r"has no network 'resnet7'; similar names: .*resnet"):
        load_encoder("timm:resnet7", cache_dir=tmp_path)


def test_without_timm_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """timm is optional: the error gives the command that installs it."""
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(WeightsUnavailable, match=r"pip install 'fewpairs\[timm\]'"):
        load_encoder(NAME, cache_dir=tmp_path)


def test_without_a_network_the_error_says_where_to_put_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights that can neither be found nor downloaded; nothing stays in the cache."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsUnavailable, match=rf"FEWPAIRS_ENCODERS_DIR as {TIMM}.safetensors"):
        load_encoder(NAME, cache_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_weights_of_timms_hub_are_kept(
    photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next load reads downloaded weights from the cache: same digest, same embeddings."""
    make = timm.create_model

    def downloaded(name: str, pretrained: bool = False, **options: Any) -> torch.nn.Module:
        torch.manual_seed(1 if pretrained else 2)
        network: torch.nn.Module = make(name, **options)
        return network

    monkeypatch.setattr(timm, "create_model", downloaded)
    first = load_encoder(NAME, device="cpu", cache_dir=tmp_path)
    expected = first.encode(photos)
    monkeypatch.setattr(timm, "create_model", lambda *_arguments, **_options: pytest.fail("made again"))
    second = load_encoder(NAME, device="cpu", cache_dir=tmp_path)
    assert second.weights_digest == first.weights_digest
    assert np.array_equal(second.encode(photos), expected)


def test_timm_weights_of_another_network_are_refused(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The error names the file and what it should hold."""
    file = weights_for_tests("efficientnet_lite0", tmp_path_factory)
    with pytest.raises(WeightsUnavailable, match=f"{file.name} does not hold the weights of {NAME}"):
        load_encoder(NAME, device="cpu", weights=file, cache_dir=tmp_path)


def test_an_onnx_file_gets_photos_normalised_as_for_imagenet(photos: Photos, tmp_path: Path) -> None:
    """A network that averages its input shows what it was given: (grey level − mean) / deviation."""
    path = tmp_path / "normalised.onnx"
    normalised_network(path, network=torch.nn.AdaptiveAvgPool2d(1))
    embeddings = load_encoder("onnx:normalised.onnx", weights=path).encode(photos)
    grey = photos.astype(np.float64).mean(axis=(1, 2)) / 255
    expected = (grey - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    assert np.allclose(embeddings, expected, atol=0.02)


def test_onnx_files_that_are_no_encoders_are_refused(tmp_path: Path) -> None:
    """Text, weights in another file, four channels, and an output that is no vector: each error gives the
    reason.
    """
    text, apart, channels, output = (tmp_path / f"{name}.onnx" for name in ("text", "apart", "four", "map"))
    text.write_text("no network")
    normalised_network(apart, external_data=True)
    normalised_network(channels, network=torch.nn.AdaptiveAvgPool2d(1), channels=4)
    normalised_network(output, network=torch.nn.MaxPool2d(2))
    for path, why in (
        (text, "cannot be loaded as an ONNX network"),
        (apart, "save it as one file"),
        (channels, r"takes .*: tensor\(float\) .*, but an encoder takes one input"),
        (output, r"it gives shape \(2, 3, 32, 24\)"),
        (tmp_path / "none.onnx", "There is no weights file"),
    ):
        with pytest.raises(WeightsUnavailable, match=why):
            load_encoder(f"onnx:{path.name}", weights=path)
