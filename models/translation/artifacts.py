"""A model as files: weights as safetensors, or one ONNX file, and the spec that says how to use them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from models.catalog import TrainingSpec
from models.images.palette import ClassTable
from models.training.methods import method_named

SPEC_FILE = "spec.json"


@dataclass(frozen=True)
class ModelSpec:
    """What the use of a trained model needs in addition to its weights."""

    training: TrainingSpec
    class_table: ClassTable | None


@dataclass(frozen=True)
class ImportedSpec:
    """An imported model: the name of its ONNX file (see OnnxNetwork), and its classes."""

    onnx: str
    class_table: ClassTable | None


def save_model(folder: Path, translators: Mapping[str, nn.Module], spec: ModelSpec) -> None:
    """Write `NAME.safetensors` for every translator and `spec.json` into an existing folder."""
    for name, network in translators.items():
        weights = {key: tensor.detach().cpu().contiguous() for key, tensor in network.state_dict().items()}
        save_file(weights, folder / f"{name}.safetensors")
    table = spec.class_table and spec.class_table.to_json()
    document = {"training": spec.training.to_json(), "class_table": table}
    (folder / SPEC_FILE).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def read_spec(folder: Path) -> ModelSpec | ImportedSpec:
    """The contents of the folder's `spec.json`. FileNotFoundError or ValueError when it is not a model's."""
    try:
        value = json.loads((folder / SPEC_FILE).read_text(encoding="utf-8"))
        table = ClassTable.from_json(value["class_table"]) if value["class_table"] is not None else None
        if "onnx" in value:
            return ImportedSpec(value["onnx"], table)
        return ModelSpec(TrainingSpec.from_json(value["training"]), table)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder / SPEC_FILE} does not describe a model: {error!r}") from error


def load_model(folder: Path, name: str = "photo_to_label") -> tuple[nn.Module, ModelSpec]:
    """A trained translator on the CPU and the model's spec, as `save_model` wrote them; unpickles nothing.

    FileNotFoundError or ValueError when the folder is not a model with that translator.
    """
    spec = read_spec(folder)
    if isinstance(spec, ImportedSpec):
        raise ValueError(f"{folder} holds an imported model: it has no weights, only {spec.onnx}")
    # Labels → photos is always the paper's generator.
    training = spec.training if name == "photo_to_label" else replace(spec.training, generator="resnet")
    with torch.device("meta"):  # no memory and no random numbers for weights that are replaced anyway
        network = method_named(training.method).generator(training, spec.class_table)
    weights = load_file(folder / f"{name}.safetensors")
    network.load_state_dict(weights, assign=True)
    return network.requires_grad_(False).eval(), spec
