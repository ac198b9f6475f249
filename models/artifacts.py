"""A trained model as files: weights as safetensors, and the spec that says what network they fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from models.methods import method_named
from models.palette import ClassTable
from models.spec import TrainingSpec

SPEC_FILE = "spec.json"


@dataclass(frozen=True)
class ModelSpec:
    """What is needed beside the weights to use a model."""

    training: TrainingSpec
    class_table: ClassTable | None


def save_model(folder: Path, translators: Mapping[str, nn.Module], spec: ModelSpec) -> None:
    """Write `NAME.safetensors` for every translator and `spec.json` into an existing folder."""
    for name, network in translators.items():
        weights = {key: tensor.detach().cpu().contiguous() for key, tensor in network.state_dict().items()}
        save_file(weights, folder / f"{name}.safetensors")
    table = spec.class_table.to_json() if spec.class_table else None
    value = {"training": spec.training.to_json(), "class_table": table}
    (folder / SPEC_FILE).write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def load_model(folder: Path, name: str = "photo_to_label") -> tuple[nn.Module, ModelSpec]:
    """A translator on the CPU and the model's spec. Reads what `save_model` wrote; nothing is unpickled.

    FileNotFoundError or ValueError when the folder is not a model.
    """
    value = json.loads((folder / SPEC_FILE).read_text(encoding="utf-8"))
    table = ClassTable.from_json(value["class_table"]) if value["class_table"] is not None else None
    spec = ModelSpec(TrainingSpec.from_json(value["training"]), table)
    with torch.device("meta"):  # no memory and no random numbers for weights that are replaced anyway
        network = method_named(spec.training.method).generator(spec.training)
    weights = load_file(folder / f"{name}.safetensors")
    network.load_state_dict(weights, assign=True)
    return network.requires_grad_(False), spec
