"""Training methods by name. A new method is one file and one line in `METHODS`."""

from __future__ import annotations

from models.training.methods.cyclegan import CycleGAN
from models.training.methods.fcn8s import SupervisedFCN8s
from models.training.methods.hybrid import Hybrid
from models.training.methods.method import Method
from models.training.methods.pix2pix import Pix2Pix
from models.training.methods.tripathy import Tripathy

__all__ = ["METHODS", "Method", "method_named"]

METHODS: dict[str, type[Method]] = {
    "hybrid": Hybrid,
    "pix2pix": Pix2Pix,
    "cyclegan": CycleGAN,
    "tripathy": Tripathy,
    "fcn8s": SupervisedFCN8s,
}


def method_named(name: str) -> type[Method]:
    """The method of that name; ValueError lists those there are."""
    if name not in METHODS:
        raise ValueError(f"unknown method {name!r}; there are {', '.join(METHODS)}")
    return METHODS[name]
