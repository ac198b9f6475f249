"""Loads an encoder by name and runs it: ONNX Runtime on a CPU, torch on a GPU."""

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch

from models.encoders.networks import ARCHITECTURES, PHOTO_SIZE, Embedder
from models.encoders.weights import WeightsUnavailable, weights_file
from models.files import whole_file

Photos = npt.NDArray[np.uint8]
Embeddings = npt.NDArray[np.float32]

ENCODERS = tuple(ARCHITECTURES)

EXPORT_VERSION = 1
"""Part of the cached ONNX file's name: raise it whenever the exported graph changes."""


class Encoder(Protocol):
    """Turns photos into embeddings: the same name and weights digest give the same ones, up to rounding."""

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    @property
    def weights_digest(self) -> str:
        """SHA-256 of the weights file, in hexadecimal digits."""

    def encode(self, photos: Photos) -> Embeddings:
        """Embeds RGB `photos`, uint8 (N, 256, 256, 3), as float32 (N, dimension). Raises ValueError."""


@dataclass(frozen=True)
class LoadedEncoder:
    """An encoder whose network is in memory; `run` embeds a batch of at least one photo."""

    name: str
    dimension: int
    weights_digest: str
    run: Callable[[Photos], Embeddings]

    def encode(self, photos: Photos) -> Embeddings:
        if photos.dtype != np.uint8 or photos.shape[1:] != (PHOTO_SIZE, PHOTO_SIZE, 3):
            raise ValueError(
                f"Photos must be uint8 of shape (N, {PHOTO_SIZE}, {PHOTO_SIZE}, 3), "
                f"not {photos.dtype} of shape {photos.shape}."
            )
        return self.run(photos) if len(photos) else np.empty((0, self.dimension), np.float32)


def load_encoder(
    name: str, *, device: str = "auto", weights: Path | None = None, cache_dir: Path | None = None
) -> Encoder:
    """Loads the encoder `name`, one of `ENCODERS`.

    `device` is `cpu`, a torch device such as `cuda:1`, or `auto` (a GPU where there is one). `weights` is a
    file with the network's state dict; without it the ImageNet weights are found or downloaded. `cache_dir`
    keeps exported networks (default: `~/.cache/fewpairs`). Raises ValueError for an unknown name, and
    WeightsUnavailable.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"There is no encoder {name!r}: choose one of {', '.join(ENCODERS)}.")
    path, digest = weights_file(name, weights)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        network = _exported(name, path, digest, cache_dir or _default_cache_dir())
        run = onnx_runner(network)
    else:
        run = torch_runner(_embedder(name, path), torch.device(device))
    return LoadedEncoder(name, ARCHITECTURES[name].dimension, digest, run)


def torch_runner(embedder: Embedder, device: torch.device) -> Callable[[Photos], Embeddings]:
    """Runs `embedder` on `device`, in full float32 so that a GPU's embeddings agree with a CPU's."""
    embedder.to(device)

    def run(photos: Photos) -> Embeddings:
        with torch.inference_mode(), torch.backends.cudnn.flags(allow_tf32=False):
            features: Embeddings = embedder(torch.tensor(photos, device=device)).cpu().numpy()
        return features

    return run


def onnx_runner(network: Path) -> Callable[[Photos], Embeddings]:
    """Runs the ONNX file `network` on the CPU, on as many threads as torch uses (`OMP_NUM_THREADS`)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])

    def run(photos: Photos) -> Embeddings:
        features: Embeddings = session.run(None, {"photos": photos})[0]
        return features

    return run


def _embedder(name: str, path: Path) -> Embedder:
    try:
        return ARCHITECTURES[name].embedder(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # Whatever torch's unpickler meets in a file that is something else.
        raise WeightsUnavailable(
            f"{path} does not hold the weights of {name}: give the state dict that torch.save "
            f"wrote for it. ({error})"
        ) from error


def _default_cache_dir() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fewpairs"


def _exported(name: str, weights: Path, digest: str, cache_dir: Path) -> Path:
    """The ONNX file of the network, exported on first use."""
    target = cache_dir / f"{name}-{digest[:16]}-v{EXPORT_VERSION}.onnx"
    if not target.is_file():
        model = _export(_embedder(name, weights))
        with whole_file(target) as file:
            file.write(model)
    return target


def _export(embedder: Embedder) -> bytes:
    example = torch.zeros(2, PHOTO_SIZE, PHOTO_SIZE, 3, dtype=torch.uint8)
    with warnings.catch_warnings():
        # The exporter copies a deprecated class of torch's own.
        warnings.simplefilter("ignore", FutureWarning)
        program: Any = torch.onnx.export(
            embedder,
            (example,),
            dynamo=True,
            verbose=False,
            input_names=["photos"],
            dynamic_shapes=({0: torch.export.Dim("N")},),
        )
    serialized: bytes = program.model_proto.SerializeToString()
    return serialized
