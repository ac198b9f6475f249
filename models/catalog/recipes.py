"""The recipes, which are named sizes of training, and the spec that one gives for a method."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.catalog.methods import method_facts
from models.catalog.options import LARGEST_SIDE, OPTIONS, TrainingSpec, check_names

PAPER_LOAD, PAPER_CROP = 286, 256
"""An `image_size` without a `load_size` keeps the paper's proportion of the two."""


@dataclass(frozen=True, kw_only=True)
class RecipeFacts:
    """A named size of training: the `values` in which it differs from TrainingSpec's defaults."""

    summary: str
    values: Mapping[str, Any] = field(default_factory=dict)


RECIPES: dict[str, RecipeFacts] = {
    "paper": RecipeFacts(summary="256², on a GPU"),
    "small": RecipeFacts(
        summary="128², on a GPU",
        values={
            **{"load_size": 144, "image_size": 128, "channels": 32, "blocks": 6},
            "total_steps": 20_000,
        },
    ),
    "tiny": RecipeFacts(
        summary="64², on a CPU",
        values={
            **{"load_size": 72, "image_size": 64, "batch_size": 2, "channels": 16, "blocks": 4},
            **{"total_steps": 750, "log_every": 10, "checkpoint_every": 50},
        },
    ),
}
DEFAULT_RECIPE = "paper"


def build(recipe: str, method: str, **overrides: Any) -> TrainingSpec:
    """The spec of a recipe for a method, with single options overridden.

    Raises ValueError for an unknown recipe, method or option, for a value out of range, for an option that
    the method does not use, and for values that contradict each other.
    """
    if recipe not in RECIPES:
        raise ValueError(f"unknown recipe {recipe!r}; there are {', '.join(RECIPES)}")
    check_names(overrides, list(OPTIONS))
    facts = method_facts(method)
    if idle := sorted(facts.unused & overrides.keys()):
        raise ValueError(f"{idle[0]} has no effect on {method}: leave it out")
    image_size = overrides.get("image_size")
    if isinstance(image_size, int) and "load_size" not in overrides:
        load_size = image_size if facts.keeps_aspect else round(image_size * PAPER_LOAD / PAPER_CROP)
        if image_size <= LARGEST_SIDE < load_size:
            raise ValueError(
                f"an image_size of {image_size} would be cropped from {load_size} pixels, and {LARGEST_SIDE} "
                "is the maximum: give load_size too"
            )
        overrides = overrides | {"load_size": load_size}
    values = {**RECIPES[recipe].values, **facts.defaults, **facts.recipes.get(recipe, {})}
    for switch, preset in facts.presets.items():
        if overrides.get(switch):
            values |= preset
    spec = TrainingSpec(recipe=recipe, method=method, **(values | overrides))
    if "encoder" in overrides and "generator" not in facts.unused and spec.generator != "pretrained":
        raise ValueError("encoder has no effect without generator=pretrained: leave it out, or give both")
    return spec
