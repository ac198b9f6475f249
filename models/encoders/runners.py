"""Runs encoder networks: ONNX Runtime on a CPU, torch on a GPU. A batch has at least one photo."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
import torch

from models.encoders.networks import PHOTO_SIZE, Embedder, Embeddings, Patches, Photos


class Features(NamedTuple):
    """What an encoder gives for N photos: float32 (N, D) and, if it has feature maps, float16 (N, 64, 64)."""

    embeddings: Embeddings
    patches: Patches | None = None


Runner = Callable[[Photos], Features]

VARIANTS = tuple(
    (memory_format, precision)
    for memory_format in (torch.contiguous_format, torch.channels_last)
    for precision in (torch.float32, torch.bfloat16)
)
"""Ways to run a network on an NVIDIA GPU."""

TRIAL_BATCH = 64
TRIALS = 3


def onnx_session(network: Path) -> Any:
    """A session on the CPU that computes in the calling thread; several threads may call it at once.

    Threads that each embed a batch of their own keep every core busy. Threads that share one batch would wait
    for the slowest of them after every layer, above all on cores that also decode photos.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])


def onnx_runner(network: Path) -> Runner:
    """Return a function that runs the ONNX file which was exported from an `Embedder`."""
    session = onnx_session(network)

    def run(photos: Photos) -> Features:
        return Features(*session.run(None, {"photos": photos}))

    return run


def torch_runner(embedder: Embedder, device: torch.device) -> Runner:
    """Runs `embedder` on `device`; on an NVIDIA GPU in the memory format and precision measured fastest.

    Neither precision gives the CPU's embeddings to the last digit: in float32, cuDNN multiplies numbers of
    10 bits (TF32, torch's default). Bfloat16 moves distances between photos by 0.4 % in the median and 3 % at
    most (EfficientNet-Lite0, CamVid).
    """
    embedder.to(device)
    if device.type != "cuda":
        return variant_runner(embedder, device, *VARIANTS[0])
    seconds = {variant: _trial(embedder, device, *variant) for variant in VARIANTS}
    return variant_runner(embedder, device, *min(VARIANTS, key=seconds.__getitem__))


def _trial(
    embedder: Embedder, device: torch.device, memory_format: torch.memory_format, precision: torch.dtype
) -> float:
    """Seconds for a batch, the best of a few; the first one, which chooses kernels, does not count."""
    run = variant_runner(embedder, device, memory_format, precision)
    photos = np.zeros((TRIAL_BATCH, PHOTO_SIZE, PHOTO_SIZE, 3), np.uint8)
    run(photos)
    seconds = []
    for _ in range(TRIALS):
        start = time.perf_counter()
        run(photos)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def variant_runner(
    embedder: Embedder, device: torch.device, memory_format: torch.memory_format, precision: torch.dtype
) -> Runner:
    """Runs `embedder`, which is on `device` and gets this memory format, in this precision."""
    embedder.to(memory_format=memory_format)  # type: ignore[call-overload]

    def run(photos: Photos) -> Features:
        with torch.inference_mode(), _autocast(device, precision):
            embeddings, *patches = embedder(torch.tensor(photos, device=device))
            return Features(embeddings.float().cpu().numpy(), *(each.cpu().numpy() for each in patches))

    return run


def _autocast(device: torch.device, precision: torch.dtype) -> AbstractContextManager[Any]:
    return nullcontext() if precision == torch.float32 else torch.autocast(device.type, precision)
