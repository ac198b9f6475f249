"""Loads an encoder by name."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from models.encoders.networks import ARCHITECTURES, PHOTO_SIZE, Embedder, Embeddings, Photos
from models.encoders.onnx_export import exported_onnx
from models.encoders.onnx_files import onnx_file_runner
from models.encoders.patches import DIMENSION, GRID
from models.encoders.runners import Features, Runner, onnx_runner, torch_runner
from models.encoders.supplied import default_cache_dir
from models.encoders.timm_networks import timm_embedder
from models.encoders.weights import read_weights, state_dict, weights_file

ENCODERS = tuple(ARCHITECTURES)
"""The encoders that the project names; `timm:NAME` and `onnx:FILE` add others."""


@dataclass(frozen=True)
class Encoder:
    """Turns photos into embeddings. The same name and weights digest give the same embeddings, up to
    rounding.
    """

    name: str
    dimension: int
    weights_digest: str
    """SHA-256 of the weights file, in hexadecimal digits."""
    device: str
    """`cpu`, or the torch device that it runs on."""
    threads: int
    """How many threads should call `encode` at once to use all cores."""
    run: Runner
    """Embeds a batch of at least one photo."""
    gives_patches: bool = False

    def encode(self, photos: Photos) -> Embeddings:
        """Embed RGB `photos`, uint8 (N, 256, 256, 3), as float32 (N, dimension); ValueError for others."""
        return self.features(photos).embeddings

    def features(self, photos: Photos) -> Features:
        """The embeddings of photos as `encode` gives them, and the features of their patches."""
        if photos.dtype != np.uint8 or photos.shape[1:] != (PHOTO_SIZE, PHOTO_SIZE, 3):
            raise ValueError(
                f"Photos must be uint8 of shape (N, {PHOTO_SIZE}, {PHOTO_SIZE}, 3), "
                f"not {photos.dtype} of shape {photos.shape}."
            )
        if not len(photos):
            none = np.empty((0, GRID**2, DIMENSION), np.float16) if self.gives_patches else None
            return Features(np.empty((0, self.dimension), np.float32), none)
        return self.run(photos)


def load_encoder(
    name: str, *, device: str = "auto", weights: Path | None = None, cache_dir: Path | None = None
) -> Encoder:
    """Load the encoder `name`: one of `ENCODERS`, `timm:NAME`, or `onnx:FILE`.

    `device` is `cpu`, a torch device such as `cuda:1`, or `auto` (a GPU where there is one); an ONNX file
    always runs on the CPU. `weights` is a file with the network's state dict, or the ONNX file; without it
    the published weights are found or downloaded. `cache_dir` keeps exported networks and timm's weights
    (default: `~/.cache/fewpairs`). Raises ValueError for an unknown name, and WeightsUnavailable.
    """
    kind, _, rest = name.partition(":")
    if name not in ARCHITECTURES and not (kind in ("timm", "onnx") and rest):
        raise ValueError(
            f"There is no encoder {name!r}: choose one of {', '.join(ENCODERS)}, timm:NAME and onnx:FILE."
        )
    cache_dir = cache_dir or default_cache_dir()
    path, digest = weights_file(name, weights, cache_dir)
    if kind == "onnx":
        return _loaded(name, digest, "cpu", onnx_file_runner(path))
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    load = partial(_embedder, name, path)
    if device == "cpu":
        return _loaded(name, digest, device, onnx_runner(exported_onnx(name, digest, cache_dir, load)))
    return _loaded(name, digest, device, torch_runner(load(), torch.device(device)))


def _loaded(name: str, digest: str, device: str, run: Runner) -> Encoder:
    tried = run(np.zeros((1, PHOTO_SIZE, PHOTO_SIZE, 3), np.uint8))
    dimension, gives_patches = tried.embeddings.shape[1], tried.patches is not None
    return Encoder(name, dimension, digest, device, torch.get_num_threads(), run, gives_patches)


def _embedder(name: str, path: Path) -> Embedder:
    if name in ARCHITECTURES:
        return read_weights(name, path, lambda: ARCHITECTURES[name].embedder(state_dict(path)))
    return read_weights(name, path, lambda: timm_embedder(name.removeprefix("timm:"), path))
