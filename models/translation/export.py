"""ONNX export of a translator."""

import copy
import warnings
from pathlib import Path

import torch
from torch import nn

from models.translation.onnx_network import INPUT, TRANSLATION


def export_onnx(network: nn.Module, image_size: int, path: Path, *, learns_classes: bool = False) -> None:
    """Write a translator as one self-contained ONNX file with a free batch size, as OnnxNetwork reads it.

    Input `photo` and output `translation` are float32 (B, 3, `image_size`, `image_size`), RGB in [−1, 1]. If
    the network learns classes, the output is `logits`, (B, K, `image_size`, `image_size`).
    """
    example = torch.zeros(2, 3, image_size, image_size)
    with warnings.catch_warnings(), torch.no_grad():
        # PyTorch 2.13's exporter uses a part of PyTorch that is deprecated.
        warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
        torch.onnx.export(
            copy.deepcopy(network).cpu().eval(),
            (example,),
            path,
            input_names=[INPUT],
            output_names=["logits" if learns_classes else TRANSLATION],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            external_data=False,
            dynamo=True,
            verbose=False,
        )
