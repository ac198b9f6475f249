"""The options of a training: their ranges, defaults and descriptions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any

from models.catalog.methods import METHODS, method_facts

LARGEST_SIDE = 4096
"""The largest side in pixels of the images that a training works on."""


def _number(default: float | None, low: float, high: float, description: str, **limits: float) -> Any:
    metadata = {"low": low, "high": high, "description": description, **limits}
    return field(default=default, metadata=metadata)


def _choice(choices: tuple[str, ...], description: str) -> Any:
    """The first choice is the default."""
    return field(default=choices[0], metadata={"choices": choices, "description": description})


def _text(default: str, pattern: str, description: str) -> Any:
    """A text that matches the regular expression as a whole."""
    return field(default=default, metadata={"pattern": pattern, "description": description})


def _switch(default: bool, description: str) -> Any:
    return field(default=default, metadata={"description": description})


@dataclass(frozen=True, kw_only=True)
class TrainingSpec:
    """The frozen configuration of one training; the defaults are the paper's hybrid training (§3.5).

    Raises ValueError, naming the field, when a value has the wrong type, is out of range or contradicts
    another one.
    """

    recipe: str
    method: str
    seed: int = _number(0, 0, 2**32 - 1, "The same seed on the same files gives the same training.")

    total_steps: int | None = _number(None, 1, 10**9, "Optimiser steps. Left out: `epochs` decides.")
    epochs: int = _number(200, 1, 10**6, "Passes over the data.")
    batch_size: int = _number(1, 1, 256, "Images in one step.")
    balance: bool = _switch(
        True, "Repeat the pairs until their number equals that of the unpaired photos (§4.1.5)."
    )
    joint: bool = _switch(
        False, "hybrid: every step sees `batch_size` pairs and `batch_size` unpaired samples, not one kind."
    )

    image_size: int = _number(
        256, 32, LARGEST_SIDE, "Side in pixels of the crops to train on, at most `load_size`.", multiple_of=4
    )
    load_size: int = _number(
        286, 32, LARGEST_SIDE, "Side in pixels of the images before cropping. Left out: follows `image_size`."
    )
    label_resize: str = _choice(
        ("bicubic", "nearest"), "How coloured label maps are resized. CycleGAN's code uses bicubic."
    )

    encoder: str = _text(
        "efficientnet_lite0",
        r"[a-z0-9_]{1,50}|timm:[A-Za-z0-9_.-]{1,100}",
        "The encoder whose pretrained network the training starts from: a name, or timm:NAME. `onnx:FILE` "
        "gives no feature maps.",
    )
    generator: str = _choice(
        ("resnet", "pretrained"),
        "The network that makes label maps of photos: the paper's, or the pretrained one of `encoder` with"
        " a decoder, which predicts classes if the pool has them.",
    )
    channels: int = _number(64, 1, 256, "Channels of the first layer of every network.")
    blocks: int = _number(9, 0, 32, "Residual blocks of a generator.")
    conditional: bool = _switch(False, "pix2pix: the discriminator sees the input together with the output.")
    sgd: bool = _switch(
        False,
        "fcn8s: gradient descent with momentum `beta1`, as in the implementation that the paper used.",
    )
    adversarial: str = _choice(("relativistic", "cross_entropy", "least_squares"), "The adversarial loss.")
    pool_size: int = _number(50, 0, 1000, "Generated images kept to show the discriminator again.")

    lambda_gan: float = _number(1.0, 0, 1e9, "Weight of the adversarial loss.")
    lambda_cycle: float = _number(10.0, 0, 1e9, "Weight of the cycle loss.")
    lambda_identity: float = _number(10.0, 0, 1e9, "Weight of the identity loss.")
    lambda_l1: float = _number(
        150.0, 0, 1e9, "Weight of the L1 loss on pairs, or of the cross-entropy in its place."
    )
    lambda_consistency: float = _number(0.0, 0, 1e9, "Weight of the consistency loss on unpaired photos.")

    learning_rate: float = _number(
        2e-4, 0, 1, "Adam's learning rate: constant for half of the steps, then falling linearly to 0."
    )
    beta1: float = _number(0.5, 0, 0.9999, "Adam's β1.")
    beta2: float = _number(0.999, 0, 0.9999, "Adam's β2.")
    ema: float = _number(
        0.0, 0, 0.99999, "Decay of the moving average of weights that becomes the model. 0: the last weights."
    )

    precision: str = _choice(("float32", "bfloat16"), "The convolutions' type; the rest is float32.")
    compile: bool = _switch(False, "Compile the networks, and on a GPU replay the step as one CUDA graph.")

    log_every: int = _number(50, 1, 10**6, "Steps between two lines of metrics.")
    checkpoint_every: int = _number(1000, 1, 10**9, "Steps between checkpoints, a multiple of `log_every`.")
    sample_every: int | None = _number(
        None, 1, 10**9, "Steps between two sample sheets. Left out: about 8 sheets are drawn."
    )

    def __post_init__(self) -> None:
        facts = method_facts(self.method)
        for spec_field in fields(self):
            _check(spec_field, getattr(self, spec_field.name))
        for owner, other in METHODS.items():
            for switch in other.switches - facts.switches:
                if getattr(self, switch):
                    raise ValueError(f"{switch} is an option of {owner}, not of {self.method}: leave it out")
        if self.load_size < self.image_size:
            raise ValueError(
                f"load_size ({self.load_size}) has to be at least image_size ({self.image_size}), because "
                "crops are taken from the resized image: give both, or image_size alone"
            )
        if self.generator == "pretrained" and self.image_size % 32:
            raise ValueError(
                f"image_size ({self.image_size}) has to be a multiple of 32 with the pretrained generator"
            )
        if self.checkpoint_every % self.log_every:
            raise ValueError(
                f"checkpoint_every ({self.checkpoint_every}) has to be a multiple of log_every "
                f"({self.log_every}): give both"
            )

    def learns_classes(self, has_classes: bool) -> bool:
        """Whether the translator gives class logits (B, K, S, S) and not an image.

        `has_classes`: the pool has a class table.
        """
        return METHODS[self.method].learns_classes or (has_classes and self.generator == "pretrained")

    def to_json(self) -> dict[str, Any]:
        """All fields by name; `from_json` reads it back to an equal spec."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TrainingSpec:
        """Inverse of `to_json`. Raises ValueError for unknown or missing fields."""
        check_names(value, [spec_field.name for spec_field in fields(cls)])
        missing = [name for name in ("recipe", "method") if name not in value]
        if missing:
            raise ValueError(f"a training spec needs {' and '.join(missing)}")
        return cls(**value)


OPTIONS: Mapping[str, Field[Any]] = {
    option.name: option for option in fields(TrainingSpec) if option.metadata
}
"""The fields of TrainingSpec that an order may set. Their metadata holds `description` and, for numbers,
`low`, `high` and perhaps `multiple_of`, for words, `choices`, or, for other texts, `pattern`."""


def _check(spec_field: Field[Any], value: object) -> None:
    name, kind, limits = spec_field.name, str(spec_field.type), spec_field.metadata
    if kind == "int | None" and value is None:
        return
    accepted = {"str": str, "bool": bool, "float": int | float}.get(kind, int)
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind != "bool"):
        raise ValueError(f"{name} must be of type {kind}, got {value!r}")
    if "pattern" in limits and isinstance(value, str) and not re.fullmatch(limits["pattern"], value):
        raise ValueError(f"{name} must match {limits['pattern']}, got {value!r}")
    if "choices" in limits and value not in limits["choices"]:
        raise ValueError(f"{name} must be one of {', '.join(limits['choices'])}, got {value!r}")
    if "low" in limits and isinstance(value, int | float):
        if not limits["low"] <= value <= limits["high"]:
            raise ValueError(f"{name} must be from {limits['low']} to {limits['high']:.10g}, got {value!r}")
        if value % limits.get("multiple_of", 1) and "multiple_of" in limits:
            raise ValueError(f"{name} must be a multiple of {limits['multiple_of']}, got {value!r}")


def check_names(given: Mapping[str, Any], known: list[str]) -> None:
    """Raises ValueError, naming the options given that are not known."""
    if unknown := sorted(set(given) - set(known)):
        raise ValueError(f"unknown training option {', '.join(unknown)}; there are {', '.join(known)}")
