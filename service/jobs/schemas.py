"""Jobs as they appear in JSON, and the bodies that order them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.http.fields import Split
from service.http.problems import InvalidTraining
from store import tables

Kind = Literal["embed", "select", "explain", "replay", "search", "train", "evaluate", "translate"]
State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
Method = Literal["hybrid", "pix2pix", "cyclegan", "tripathy", "fcn8s"]
Recipe = Literal["paper", "small", "tiny"]
Direction = Literal["photos_to_labels", "labels_to_photos"]

RECIPE_FIELDS: dict[str, dict[str, int]] = {
    "paper": {"image_size": 256, "log_every": 50, "checkpoint_every": 1000},
    "small": {"image_size": 128, "log_every": 50, "checkpoint_every": 1000},
    "tiny": {"image_size": 64, "log_every": 10, "checkpoint_every": 50},
}
"""What a recipe says where the options leave it out and other options depend on it."""
UNUSED: dict[str, tuple[str, ...]] = {
    "hybrid": (),
    "pix2pix": ("balance", "lambda_cycle", "lambda_identity"),
    "cyclegan": ("balance", "lambda_l1"),
    "tripathy": ("lambda_l1",),
    "fcn8s": (
        *("adversarial", "balance", "blocks", "label_resize"),
        *("lambda_cycle", "lambda_gan", "lambda_identity", "lambda_l1", "pool_size"),
    ),
}
"""Options that change nothing in a method."""
ONLY_OF = {"joint": "hybrid", "conditional": "pix2pix"}
"""Switches that one method alone has."""

DEFAULT_OF_TINY: Method = "pix2pix"
"""At 64² it is as good as hybrid in half the time (docs/decisions/0011-default-method.md)."""
PAPER_LOAD, PAPER_CROP = 286, 256
"""`load_size` follows `image_size` in this proportion."""
LARGEST_SIDE = 4096


class Progress(BaseModel):
    done: int
    total: int
    share: float = Field(description="0 to 1.")


class JobError(BaseModel):
    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["training-diverged"])
    detail: str


class Estimate(BaseModel):
    """What a training will need, as it found before its first step."""

    model_config = ConfigDict(extra="allow")

    memory_bytes: int = Field(description="Peak memory of the device it trains on.")
    seconds: float = Field(description="How long all of its steps will take.")
    steps_per_second: float


class Job(BaseModel):
    """A durable unit of work."""

    id: UUID
    pool_id: UUID
    kind: Kind
    state: State
    attempt: int = Field(description="The number of the attempt that runs or ran last; 0: none yet.")
    max_attempts: int
    progress: Progress
    estimate: Estimate | None = Field(description="Of a training, from shortly after its start.")
    result: dict[str, Any] | None = Field(description='What a succeeded job made, e.g. `{"model_id": …}`.')
    error: JobError | None = Field(description="Why the last attempt went wrong, also while another is due.")
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, row: tables.Job) -> "Job":
        share = row.done / row.total if row.total else float(row.state == "succeeded")
        return cls.model_validate(
            {
                **{name: getattr(row, name) for name in cls.model_fields if name != "progress"},
                "progress": Progress(done=row.done, total=row.total, share=min(share, 1.0)),
            }
        )


class Metrics(BaseModel):
    """A training's history: one line `{"step": …, losses and metrics by name}` for each logged step."""

    items: list[dict[str, Any]]
    next: int | None = Field(
        description="The last step here: ask for what is `after` it. Null: nothing is here."
    )


def _number(low: float, high: float, description: str) -> Any:
    return Field(default=None, ge=low, le=high, allow_inf_nan=False, description=description)


class TrainingOptions(BaseModel):
    """Fields of the recipe to override; what is left out stays as the recipe says."""

    model_config = ConfigDict(extra="forbid")

    seed: int | None = _number(0, 2**32 - 1, "Same seed, same training.")
    total_steps: int | None = _number(1, 10**9, "Optimiser steps; left out: so many epochs.")
    epochs: int | None = _number(1, 10**6, "Passes over the data.")
    batch_size: int | None = _number(1, 256, "Images a step.")
    balance: bool | None = Field(
        None, description="Repeat pairs until they match the unpaired photos in number."
    )
    joint: bool | None = Field(
        None, description="hybrid: every step sees pairs and unpaired samples, not one or the other."
    )
    load_size: int | None = _number(
        32, LARGEST_SIDE, "Side in pixels that images are resized to; left out, it follows `image_size`."
    )
    image_size: int | None = Field(
        None,
        ge=32,
        le=LARGEST_SIDE,
        multiple_of=4,
        description="Side in pixels of the crops, at most `load_size`.",
    )
    label_resize: Literal["bicubic", "nearest"] | None = Field(
        None, description="How label maps are resized."
    )
    channels: int | None = _number(1, 256, "Channels of the first layer.")
    blocks: int | None = _number(0, 32, "Residual blocks of a generator.")
    conditional: bool | None = Field(None, description="pix2pix: the discriminator sees the input as well.")
    adversarial: Literal["relativistic", "cross_entropy", "least_squares"] | None = Field(
        None, description="The adversarial loss."
    )
    pool_size: int | None = _number(0, 1000, "Fakes kept to show the discriminator again.")
    lambda_gan: float | None = _number(0, 1e9, "Weight of the adversarial loss.")
    lambda_cycle: float | None = _number(0, 1e9, "Weight of the cycle loss.")
    lambda_identity: float | None = _number(0, 1e9, "Weight of the identity loss.")
    lambda_l1: float | None = _number(0, 1e9, "Weight of the paired L1 loss.")
    learning_rate: float | None = _number(0, 1, "Of Adam; constant for half of the steps, then linear to 0.")
    beta1: float | None = _number(0, 0.9999, "Of Adam.")
    beta2: float | None = _number(0, 0.9999, "Of Adam.")
    ema: float | None = _number(
        0, 0.99999, "Decay of the moving average of the weights that becomes the model; 0: the last weights."
    )
    precision: Literal["float32", "bfloat16"] | None = Field(
        None, description="Of the convolutions; everything else stays float32."
    )
    compile: bool | None = Field(
        None, description="Compile the networks, and on a GPU replay the step as one graph."
    )
    log_every: int | None = _number(1, 10**6, "Steps between two lines of metrics.")
    checkpoint_every: int | None = _number(
        1, 10**9, "Steps between two checkpoints, a multiple of `log_every`."
    )
    sample_every: int | None = _number(1, 10**9, "Steps between two sample sheets.")


class NewTraining(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"method": "hybrid", "recipe": "tiny", "options": {"total_steps": 750, "seed": 0}}]
        },
    )

    method: Method = Field("hybrid", description="Left out: pix2pix with recipe tiny, else hybrid.")
    recipe: Recipe = "paper"
    options: TrainingOptions = Field(default_factory=TrainingOptions)
    pairs: Annotated[list[UUID], Field(min_length=1, max_length=100_000)] | None = Field(
        None, description="Annotated train images to learn from; null: all of them."
    )
    label_sources: Annotated[list[str], Field(min_length=1, max_length=100)] | None = Field(
        None,
        description="Where the unpaired label maps come from: sources of uploads, and `annotations` for the "
        "label maps of the pairs; null: all of these.",
        examples=[["gta", "annotations"]],
    )

    @model_validator(mode="before")
    @classmethod
    def _default_method(cls, body: Any) -> Any:
        if isinstance(body, dict) and "method" not in body and body.get("recipe") == "tiny":
            return body | {"method": DEFAULT_OF_TINY}
        return body

    @model_validator(mode="after")
    def _of_the_method(self) -> "NewTraining":
        """No option that the method would ignore, or does not have."""
        given = self.options.model_dump(exclude_none=True)
        if idle := [name for name in UNUSED[self.method] if name in given]:
            raise InvalidTraining(f"{idle[0]} has no effect on {self.method}: leave it out.")
        for switch, method in ONLY_OF.items():
            if given.get(switch) and self.method != method:
                raise InvalidTraining(f"{switch} is an option of {method}, not of {self.method}.")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> "NewTraining":
        """With what the recipe says where the options say nothing."""
        fields = RECIPE_FIELDS[self.recipe] | self.options.model_dump(exclude_none=True)
        image_size, log, checkpoint = (
            fields[name] for name in ("image_size", "log_every", "checkpoint_every")
        )
        load_size = fields.get("load_size", round(image_size * PAPER_LOAD / PAPER_CROP))
        if load_size < image_size:
            raise InvalidTraining(
                f"load_size ({load_size}) has to be at least image_size ({image_size}): crops are taken from "
                "the resized image. Give both, or image_size alone."
            )
        if load_size > LARGEST_SIDE:
            raise InvalidTraining(
                f"An image_size of {image_size} would be cropped from {load_size} pixels, and {LARGEST_SIDE} "
                "are the most: give load_size too."
            )
        if checkpoint % log:
            raise InvalidTraining(
                f"checkpoint_every ({checkpoint}) has to be a multiple of log_every ({log}): give both."
            )
        return self


class NewEvaluation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    model_id: UUID
    split: Split = "test"
    direction: Direction = Field(
        "photos_to_labels",
        description="What to judge: the label maps it makes of photos, or the photos it makes of label maps.",
    )
    scorer: UUID | None = Field(
        None,
        description="For `labels_to_photos`: the model of the pool that segments the photos made, to be "
        "compared with the label maps they were made of.",
    )
