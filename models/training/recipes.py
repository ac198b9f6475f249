"""Recipes: functions that return a frozen training configuration. Their values are in `models.catalog`."""

from typing import Any

from models.catalog import TrainingSpec, build


def paper(method: str, **overrides: Any) -> TrainingSpec:
    """The paper's training (§3.5): 256² crops of 286² images, batch 1, 200 epochs, CycleGAN's networks."""
    return build("paper", method, **overrides)


def small(method: str, **overrides: Any) -> TrainingSpec:
    """Between `tiny` and `paper`: 128² crops, 20,000 steps; about an hour on a modest GPU."""
    return build("small", method, **overrides)


def tiny(method: str, **overrides: Any) -> TrainingSpec:
    """Small enough for two CPU cores: 64² crops, narrow networks, 750 steps."""
    return build("tiny", method, **overrides)
