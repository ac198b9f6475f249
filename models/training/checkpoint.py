"""Everything a training needs to continue exactly, in one safetensors file."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from models.catalog import TrainingSpec
from models.files import atomic_write
from models.training.methods import Method


def save_checkpoint(
    path: Path, method: Method, averages: Mapping[str, nn.Module], spec: TrainingSpec, step: int
) -> None:
    """Replace the checkpoint atomically: a crash leaves the old one or the new one.

    Raises FloatingPointError and keeps the old checkpoint when a weight or moment is NaN or infinite.
    """
    tensors = _state(method, averages)
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise FloatingPointError(f"{len(broken)} of {len(tensors)} state tensors, first {broken[0]}")
    # One entry, because safetensors writes several in random order: equal states make equal files.
    metadata = {"training": json.dumps({"step": step, "spec": spec.to_json(), "notes": method.notes})}
    with atomic_write(path) as temporary:
        save_file(tensors, temporary, metadata)


def restore_checkpoint(
    path: Path, method: Method, averages: Mapping[str, nn.Module], spec: TrainingSpec, device: torch.device
) -> int:
    """Put a training back where `save_checkpoint` left it; returns the number of steps done.

    Raises ValueError when the file is damaged or belongs to another spec.
    """
    try:
        with safe_open(path, framework="pt") as file:
            training = json.loads(file.metadata()["training"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error}); delete it to train from the start") from error
    if training["spec"] != spec.to_json():
        raise ValueError(f"{path} was trained with another spec; delete it to train from the start")
    for name, network in method.networks.items():
        network.load_state_dict(_under(tensors, f"networks/{name}/"))
    for name, average in averages.items():
        average.load_state_dict(_under(tensors, f"averages/{name}/"))
    for name, optimizer in method.optimizers.items():
        moments: dict[int, dict[str, Tensor]] = {}
        for key, tensor in _under(tensors, f"optimizers/{name}/").items():
            index, moment = key.split("/")
            moments.setdefault(int(index), {})[moment] = tensor
        optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    for name, pool in method.pools.items():
        pool.restore(_under(tensors, f"pools/{name}/"), device)
    method.notes.update(training.get("notes", {}))
    return int(training["step"])


def _state(method: Method, averages: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    for kind, networks in (("networks", method.networks), ("averages", averages)):
        for name, network in networks.items():
            for key, tensor in network.state_dict().items():
                state[f"{kind}/{name}/{key}"] = tensor
    for name, optimizer in method.optimizers.items():
        for index, moments in optimizer.state_dict()["state"].items():
            for moment, tensor in moments.items():
                state[f"optimizers/{name}/{index}/{moment}"] = tensor
    for name, pool in method.pools.items():
        for key, tensor in pool.state().items():
            state[f"pools/{name}/{key}"] = tensor
    return {key: tensor.detach().cpu().contiguous() for key, tensor in state.items()}


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
