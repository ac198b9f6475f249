"""Named training configurations: functions that return a TrainingSpec."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.catalog import TrainingSpec, check_names
from models.training import methods

__all__ = ["METHODS", "RECIPES", "TrainingSpec", "build", "paper", "tiny"]

METHODS = tuple(methods.METHODS)
PAPER_LOAD, PAPER_CROP = 286, 256
"""An `image_size` without a `load_size` keeps the paper's proportion of the two."""


def paper(method: str, **overrides: Any) -> TrainingSpec:
    """The paper's training (§3.5): 256² crops of 286² images, batch 1, 200 epochs, CycleGAN's networks."""
    return _spec("paper", method, {}, overrides)


def small(method: str, **overrides: Any) -> TrainingSpec:
    """Between `tiny` and `paper`: 128² crops, 20,000 steps; an hour or so on a modest GPU."""
    smaller = {
        **{"load_size": 144, "image_size": 128, "channels": 32, "blocks": 6},
        **{"total_steps": 20_000, "log_every": 50, "checkpoint_every": 1000, "sample_every": 5000},
    }
    return _spec("small", method, smaller, overrides)


def tiny(method: str, **overrides: Any) -> TrainingSpec:
    """The paper's training made small enough for two CPU cores: 64² crops, narrow networks, 750 steps."""
    smallest = {
        **{"load_size": 72, "image_size": 64, "batch_size": 2, "channels": 16, "blocks": 4},
        **{"total_steps": 750, "log_every": 10, "checkpoint_every": 50, "sample_every": 250},
    }
    return _spec("tiny", method, smallest, overrides)


RECIPES: dict[str, Callable[..., TrainingSpec]] = {"paper": paper, "small": small, "tiny": tiny}


def build(recipe: str, method: str, **overrides: Any) -> TrainingSpec:
    """The spec of a recipe by name, with single fields overridden.

    Raises ValueError for an unknown recipe, method or field, for a value out of range, and for a field that
    the method does not use.
    """
    if recipe not in RECIPES:
        raise ValueError(f"unknown recipe {recipe!r}; there are {', '.join(RECIPES)}")
    return RECIPES[recipe](method, **overrides)


def _spec(recipe: str, method: str, recipe_fields: dict[str, Any], overrides: dict[str, Any]) -> TrainingSpec:
    check_names(overrides)
    chosen = methods.method_named(method)
    if idle := sorted(chosen.unused & overrides.keys()):
        raise ValueError(f"{idle[0]} has no effect on {method}: leave it out")
    image_size = overrides.get("image_size")
    if isinstance(image_size, int) and "load_size" not in overrides:
        overrides = overrides | {"load_size": round(image_size * PAPER_LOAD / PAPER_CROP)}
    fields = recipe_fields | dict(chosen.defaults) | overrides
    return TrainingSpec(recipe=recipe, method=method, **fields)
