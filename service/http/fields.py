"""Types of fields and parameters that several nouns share."""

from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from formats.catalog import FORMATS
from models.catalog import DIRECTIONS, STRATEGIES, TEST_TIME

if TYPE_CHECKING:
    Direction = str
    Strategy = str
    TestTime = str
    Format = str
else:
    Format = Literal[tuple(FORMATS)]
    Direction = Literal[DIRECTIONS]
    Strategy = Literal[tuple(STRATEGIES)]
    TestTime = Literal[tuple(TEST_TIME)]

OF_FORMAT = Query(description="; ".join(f"`{name}`: {what}" for name, what in FORMATS.items()) + ".")

TEST_TIME_MEANS = (
    "What a model that learns classes predicts a photo from. "
    + "; ".join(f"`{name}`: {meaning}" for name, meaning in TEST_TIME.items())
    + ". Means are of probabilities."
)


class Body(BaseModel):
    """JSON of a request: it has no fields but those documented, and no `0` or `"yes"` where a boolean is."""

    model_config = ConfigDict(extra="forbid", strict=True)


Id = Annotated[UUID, Strict(False)]
"""An id in a Body, where it is a text."""

ActiveSeconds = Annotated[
    float | None,
    Query(ge=0, le=1e6, description="How long a person worked on the label map. Left out: not measured."),
]

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def _refused_as(sentence: str) -> WrapValidator:
    """Report a value that matches none of several types in one sentence, not in one for each type."""

    def checked(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
        try:
            return validate(value)
        except ValidationError as error:
            raise PydanticCustomError("of_no_type", sentence) from error

    return WrapValidator(checked)


Distance = Annotated[float, Field(ge=0, allow_inf_nan=False)]
DistanceOrAuto = Annotated[
    Distance | Literal["auto"], _refused_as("Input should be a finite number of 0 or more, or 'auto'")
]
DistanceAutoOrOff = Annotated[
    Distance | Literal["auto", "off"],
    _refused_as("Input should be a finite number of 0 or more, 'auto' or 'off'"),
]
