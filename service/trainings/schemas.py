"""The order of a training in JSON. Methods, recipes and options come from `models.catalog`."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from models.catalog import DEFAULT_RECIPE, METHODS, OPTIONS, RECIPES, TrainingSpec
from service.http.fields import Body, Id


def _options() -> type[BaseModel]:
    """A schema with an optional field for each option, with its range or choices and its description."""
    hints = get_type_hints(TrainingSpec)
    fields: dict[str, Any] = {}
    for name, option in OPTIONS.items():
        limits = option.metadata
        kind = Literal[limits["choices"]] if "choices" in limits else hints[name]
        bounds: dict[str, Any] = {}
        if "low" in limits:
            bounds = {
                **{"ge": limits["low"], "le": limits["high"], "multiple_of": limits.get("multiple_of")},
                "allow_inf_nan": False,
            }
        if "pattern" in limits:
            bounds = {"pattern": f"^({limits['pattern']})$"}
        fields[name] = (kind | None, Field(None, description=limits["description"], **bounds))
    return create_model(
        "TrainingOptions",
        __base__=Body,
        __doc__="Options that replace values of the recipe; the others keep the recipe's values.",
        **fields,
    )


if TYPE_CHECKING:
    Method = str
    Recipe = str
    TrainingOptions = BaseModel
else:
    Method = Literal[tuple(METHODS)]
    Recipe = Literal[tuple(RECIPES)]
    TrainingOptions = _options()


class NewTraining(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"method": "hybrid", "recipe": "tiny", "options": {"total_steps": 750, "seed": 0}}]
        },
    )

    method: Method | None = Field(
        None,
        description="; ".join(f"`{name}`: {facts.summary}" for name, facts in METHODS.items())
        + ". Left out: what `GET /pools/{id}/advice` says.",
    )
    recipe: Recipe | None = Field(
        None,
        description="; ".join(f"`{name}`: {facts.summary}" for name, facts in RECIPES.items())
        + f". Left out: `{DEFAULT_RECIPE}` for a method of the paper, otherwise what the advice says.",
    )
    options: TrainingOptions = Field(default_factory=TrainingOptions)
    pairs: Annotated[list[Id], Field(min_length=1, max_length=100_000, fail_fast=True)] | None = Field(
        None, description="Annotated train images to learn from; null for all of them."
    )
    start_from: Id | None = Field(
        None,
        description="A model of the pool with the same method and networks, whose weights the training "
        "starts from; null: new weights.",
    )
    label_sources: Annotated[list[str], Field(min_length=1, max_length=100)] | None = Field(
        None,
        description="Where the unpaired label maps come from: sources of uploads, and `annotations` for the "
        "label maps of the pairs; null for all of these.",
        examples=[["gta", "annotations"]],
    )
