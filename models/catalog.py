"""The frozen configuration of one training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

CHOICES = {
    "adversarial": ("relativistic", "cross_entropy", "least_squares"),
    "label_resize": ("bicubic", "nearest"),
    "precision": ("float32", "bfloat16"),
}

ONLY_OF = {"joint": "hybrid", "conditional": "pix2pix"}
"""Switches that one method alone has."""


def _number(default: float, low: float, high: float = math.inf) -> Any:
    return field(default=default, metadata={"low": low, "high": high})


@dataclass(frozen=True, kw_only=True)
class TrainingSpec:
    """Every choice a training makes; the defaults are the paper's hybrid training (§3.5).

    Raises ValueError, naming the field, when a value is of the wrong type or out of range.
    """

    recipe: str
    method: str
    seed: int = _number(0, 0, 2**32 - 1)

    total_steps: int | None = field(default=None, metadata={"low": 1, "high": 10**9})
    """Optimiser steps; None means `epochs` passes over the data."""
    epochs: int = _number(200, 1, 10**6)
    batch_size: int = _number(1, 1, 256)
    balance: bool = True
    """Repeat the pairs until they match the unpaired photos in number (§4.1.5)."""
    joint: bool = False
    """hybrid: every step sees `batch_size` pairs and as many unpaired samples, not one or the other."""

    image_size: int = _number(256, 32, 4096)
    load_size: int = _number(286, 32, 4096)
    """Side in pixels every image is resized to; crops of `image_size` are taken from it."""
    label_resize: str = "bicubic"
    """How coloured label maps are resized to `load_size`: bicubic as in CycleGAN's code, or nearest."""

    channels: int = _number(64, 1, 256)
    """Channels of the first layer, in generators and discriminators."""
    blocks: int = _number(9, 0, 32)
    conditional: bool = False
    """pix2pix: the discriminator sees the input beside the output."""
    adversarial: str = "relativistic"
    pool_size: int = _number(50, 0, 1000)

    lambda_gan: float = _number(1.0, 0)
    lambda_cycle: float = _number(10.0, 0)
    lambda_identity: float = _number(10.0, 0)
    lambda_l1: float = _number(150.0, 0)

    learning_rate: float = _number(2e-4, 0, 1)
    beta1: float = _number(0.5, 0, 0.9999)
    beta2: float = _number(0.999, 0, 0.9999)
    ema: float = _number(0.0, 0, 0.99999)
    """Decay of the moving average of the translators' weights that becomes the model; 0: the last weights."""

    precision: str = "float32"
    """bfloat16 is for convolutions alone; weights, norms and losses stay float32."""
    compile: bool = False
    """Compile the networks, and on CUDA replay the whole step as one graph."""

    log_every: int = _number(50, 1, 10**6)
    checkpoint_every: int = _number(1000, 1, 10**9)
    sample_every: int = _number(5000, 1, 10**9)

    def __post_init__(self) -> None:
        for spec_field in fields(self):
            _check(spec_field.name, str(spec_field.type), getattr(self, spec_field.name), spec_field.metadata)
        for switch, method in ONLY_OF.items():
            if getattr(self, switch) and self.method != method:
                raise ValueError(f"{switch} is an option of {method}, not of {self.method}")
        if self.image_size % 4:
            raise ValueError(f"image_size must be a multiple of 4, got {self.image_size}")
        if self.load_size < self.image_size:
            raise ValueError(
                f"load_size must be at least image_size, got {self.load_size} < {self.image_size}"
            )
        if self.checkpoint_every % self.log_every:
            raise ValueError(
                "checkpoint_every must be a multiple of log_every,"
                f" got {self.checkpoint_every} and {self.log_every}"
            )

    def to_json(self) -> dict[str, Any]:
        """All fields by name; `from_json` reads it back to an equal spec."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TrainingSpec:
        """Inverse of `to_json`. ValueError for unknown or missing fields."""
        check_names(value)
        missing = [name for name in ("recipe", "method") if name not in value]
        if missing:
            raise ValueError(f"a training spec needs {' and '.join(missing)}")
        return cls(**value)


def check_names(options: Mapping[str, Any]) -> None:
    """Raise ValueError when a name is not a field of TrainingSpec, listing those that are."""
    known = [spec_field.name for spec_field in fields(TrainingSpec)]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(f"unknown training option {', '.join(unknown)}; there are {', '.join(known)}")


def _check(name: str, kind: str, value: object, limits: Mapping[str, Any]) -> None:
    if kind == "int | None" and value is None:
        return
    accepted = {"str": str, "bool": bool, "float": int | float}.get(kind, int)
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind != "bool"):
        raise ValueError(f"{name} must be of type {kind}, got {value!r}")
    if name in CHOICES and value not in CHOICES[name]:
        raise ValueError(f"{name} must be one of {', '.join(CHOICES[name])}, got {value!r}")
    if isinstance(value, int | float) and limits:
        low, high = limits["low"], limits["high"]
        if not (low <= value <= high and math.isfinite(value)):
            raise ValueError(f"{name} must be {_range(low, high)}, got {value!r}")


def _range(low: float, high: float) -> str:
    return f"a finite number from {low}" if math.isinf(high) else f"from {low} to {high}"
