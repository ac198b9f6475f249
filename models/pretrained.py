"""Weights files that PyTorch's server offers, kept in PyTorch's hub cache."""

import hashlib
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import torch

from models.files import atomic_write, sha256

DOWNLOAD_TIMEOUT_S = 20


class WeightsUnavailable(RuntimeError):
    """A network's trained weights cannot be had; the message says what to do."""


def hub_file(url: str, name: str, otherwise: str = "") -> tuple[Path, str]:
    """The local copy of the weights file at `url`, downloaded when missing, and its SHA-256 in hexadecimal.

    As for all of PyTorch's weights, the file name of `url` carries the first digits of that SHA-256. Raises
    WeightsUnavailable, whose message calls the network `name` and ends with `otherwise`, a way to do without.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[1]
    if not path.is_file():
        _download(url, path, name, otherwise)
    digest = sha256(path)
    if not digest.startswith(_checksum(url)):
        raise WeightsUnavailable(
            f"{path} is not the file that {url} names (its SHA-256 is {digest}): "
            "delete it, and it will be downloaded again."
        )
    return path, digest


def _checksum(url: str) -> str:
    return url.rsplit("-", 1)[1].removesuffix(".pth")


def _download(url: str, target: Path, name: str, otherwise: str) -> None:
    """PyTorch's hub waits for ever on a network that drops packets; this gives up and says what to do."""
    try:
        with atomic_write(target) as temporary, temporary.open("wb") as file:
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
            f"{name}'s weights could not be downloaded ({error}). Fetch {url} where you can and put it "
            f"at {target}{otherwise}."
        ) from error
