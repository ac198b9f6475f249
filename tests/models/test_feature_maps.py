"""Encoders as pyramids of feature maps, against the packages' own networks with batch norms."""

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
from models.pretrained import WeightsUnavailable
from tests.models.encoding import weights_for_tests

NAMES = ("efficientnet_lite0", "resnet50")
CHANNELS = {"efficientnet_lite0": (24, 40, 112, 320), "resnet50": (256, 512, 1024, 2048)}
ENDS: dict[str, list[str]] = {
    "efficientnet_lite0": [f"_blocks.{index}" for index in (2, 4, 10, 15)],
    "resnet50": [f"layer{index}" for index in (1, 2, 3, 4)],
}
"""The layers of the packages' networks whose outputs the maps are."""


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def weights(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
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


def test_other_encoders_are_refused() -> None:
    """The error names the encoders that give maps."""
    for make in (feature_maps, pretrained_feature_maps):
        with pytest.raises(
            ValueError, match=r"onnx:a.onnx gives no feature maps: choose .*efficientnet_lite0"
        ):
            make("onnx:a.onnx")


def test_a_file_of_another_network_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The network is never left with random weights."""
    file = weights_for_tests("efficientnet_lite0", tmp_path_factory)
    with pytest.raises(WeightsUnavailable, match=f"{file.name} does not hold the weights of resnet50"):
        pretrained_feature_maps("resnet50", file)
    with pytest.raises(WeightsUnavailable, match="There is no weights file of resnet50"):
        pretrained_feature_maps("resnet50", Path("missing.pth"))
