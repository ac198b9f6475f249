"""Encoders `onnx:FILE`: any ONNX network from photos to features."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch.nn.functional import interpolate

from models.encoders.networks import IMAGENET_MEAN, IMAGENET_STD, Embeddings, Photos
from models.encoders.runners import Features, Runner, onnx_session
from models.pretrained import WeightsUnavailable
from models.translation.external_data import names_a_file

TAKES = (
    "an encoder takes one input, either photos, uint8 (N, 256, 256, 3), or float32 (N, 3, height, width) of "
    "a fixed size, normalised as for ImageNet, and gives features (N, D) or (N, D, 1, 1)"
)


def onnx_file_runner(network: Path) -> Runner:
    """Return a function that runs the file on the CPU. WeightsUnavailable if it is no ONNX file or no
    encoder.
    """
    try:
        if names_a_file(onnx.load(network, load_external_data=False)):
            raise WeightsUnavailable(f"{network} keeps its weights in other files: save it as one file.")
        session = onnx_session(network)
    except (OSError, WeightsUnavailable):
        raise
    except Exception as error:  # ONNX Runtime and protobuf raise their own classes for damaged files.
        raise WeightsUnavailable(f"{network} cannot be loaded as an ONNX network: {error}") from error
    inputs = session.get_inputs()
    if len(inputs) != 1 or not (_takes_photos(inputs[0]) or _takes_normalised(inputs[0])):
        found = ", ".join(f"{tensor.name}: {tensor.type} {tensor.shape}" for tensor in inputs)
        raise WeightsUnavailable(f"{network} takes {found or 'nothing'}, but {TAKES}.")
    [tensor] = inputs
    direct, one_by_one = _takes_photos(tensor), tensor.shape[0] == 1

    def run(photos: Photos) -> Features:
        values = photos if direct else _normalised(photos, tensor.shape[2:])
        batches = np.split(values, len(values)) if one_by_one else [values]
        found = [_features(session.run(None, {tensor.name: batch})[0]) for batch in batches]
        return Features(np.concatenate(found))

    try:
        run(np.zeros((2, 256, 256, 3), np.uint8))
    except Exception as error:
        raise WeightsUnavailable(f"{network} cannot embed two photos ({error}); {TAKES}.") from error
    return run


def _takes_photos(tensor: Any) -> bool:
    shape = tensor.shape
    return tensor.type == "tensor(uint8)" and list(shape[1:]) == [256, 256, 3] and _any_or_one(shape[0])


def _takes_normalised(tensor: Any) -> bool:
    shape = tensor.shape
    fixed = len(shape) == 4 and shape[1] == 3 and all(isinstance(side, int) for side in shape[2:])
    return tensor.type == "tensor(float)" and fixed and _any_or_one(shape[0])


def _any_or_one(count: int | str | None) -> bool:
    return not isinstance(count, int) or count == 1


def _normalised(photos: Photos, size: tuple[int, int]) -> Any:
    photos_NCHW = torch.tensor(photos).permute(0, 3, 1, 2)
    resized = interpolate(photos_NCHW, tuple(size), mode="bilinear", antialias=True).float()
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return ((resized - mean) / std).numpy()


def _features(output: Any) -> Embeddings:
    if output.ndim not in (2, 4) or output.shape[2:] not in ((), (1, 1)):
        raise ValueError(f"it gives shape {output.shape}")
    features: Embeddings = output.reshape(len(output), -1).astype(np.float32, copy=False)
    return features
