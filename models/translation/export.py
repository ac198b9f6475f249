"""ONNX export of a translator."""

import copy
import warnings
from pathlib import Path

import torch
from torch import nn

from models.translation.onnx_network import INPUT, LOAD_SIZE, TRANSLATION
from models.translation.tiles import MULTIPLE


def export_onnx(
    network: nn.Module, size: int, path: Path, *, learns_classes: bool = False, keeps_aspect: bool = False
) -> None:
    """Write a translator as one self-contained ONNX file with a free batch size, as OnnxNetwork reads it.

    Input `photo` and output `translation` are float32 (B, 3, `size`, `size`), RGB in [−1, 1]. If the network
    learns classes, the output is `logits`, (B, K, h, w). If it keeps the aspect of photos, height and width
    are free multiples of 32, and the file's metadata holds `size` as `load_size` (see `working_size`).
    """
    example = torch.zeros(2, 3, size, size)
    free = {0: torch.export.Dim("batch")}
    if keeps_aspect:
        example = torch.zeros(2, 3, 2 * MULTIPLE, 3 * MULTIPLE)
        free |= {2: MULTIPLE * torch.export.Dim("rows"), 3: MULTIPLE * torch.export.Dim("columns")}
    with warnings.catch_warnings(), torch.no_grad():
        # PyTorch 2.13's exporter uses a part of PyTorch that is deprecated.
        warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
        program = torch.onnx.export(
            copy.deepcopy(network).cpu().eval(),
            (example,),
            input_names=[INPUT],
            output_names=["logits" if learns_classes else TRANSLATION],
            dynamic_shapes=(free,),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    if keeps_aspect:
        program.model.metadata_props[LOAD_SIZE] = str(size)
    program.save(path, external_data=False)
