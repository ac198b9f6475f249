"""Jobs as they appear in JSON."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from service.http.documents import Document
from store import tables
from store.job_kinds import Kind
from store.states import JobState


class Progress(BaseModel):
    done: int
    total: int
    share: float = Field(description="0 to 1.")


class JobError(BaseModel):
    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["training-diverged"])
    detail: str


class Estimate(BaseModel):
    """What a training will need, estimated before its first step."""

    model_config = ConfigDict(extra="allow")

    memory_bytes: int = Field(description="Peak memory on the device that it trains on, in bytes.")
    seconds: float = Field(description="Duration of all its steps.")
    steps_per_second: float


class Order(Document):
    """What a training was ordered with."""

    method: str
    recipe: str
    options: dict[str, Any]
    start_from: UUID | None = Field(description="The model whose weights it starts from.")
    pairs: int = Field(description="The number of pairs that it learns from.")


class Job(Document):
    """A durable unit of work."""

    id: UUID
    pool_id: UUID | None = Field(description="Null: it is about the whole server.")
    kind: Kind
    state: JobState
    attempt: int = Field(description="The number of the current or last attempt; 0 if there was none yet.")
    max_attempts: int
    progress: Progress
    estimate: Estimate | None = Field(
        description="For a training, from shortly after its start; null otherwise."
    )
    missing_classes: list[str] | None = Field(
        description="For a training: the classes of which its pairs have no pixel. Null without pairs, in an "
        "`rgb` pool, and for other jobs."
    )
    training: Order | None = Field(description="For a training: what was ordered; null otherwise.")
    model_id: UUID | None = Field(
        description="For an evaluation: the model that is scored; null for other jobs."
    )
    result: dict[str, Any] | None = Field(
        description='The result of a job that succeeded, for example `{"model_id": …}`.'
    )
    error: JobError | None = Field(
        description="Why the last attempt failed, even if another attempt follows."
    )
    cancel_requested: bool
    finish_requested: bool = Field(description="Whether a training was asked to end now with its model.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, row: tables.Job) -> "Job":
        share = row.done / row.total if row.total else float(row.state == "succeeded")
        return cls.of_row(
            row,
            progress=Progress(done=row.done, total=row.total, share=min(share, 1.0)),
            missing_classes=row.spec.get("missing_classes"),
            training=_training(row.spec) if row.kind == "train" else None,
            model_id=row.spec.get("model_id") if row.kind == "evaluate" else None,
        )


def _training(spec: dict[str, Any]) -> Order:
    return Order(
        method=spec["method"],
        recipe=spec["recipe"],
        options=spec["options"],
        start_from=spec.get("start_from"),
        pairs=len(spec["pairs"]),
    )


class Metrics(BaseModel):
    """A training's history: one line `{"step": …, losses and metrics by name}` for each logged step."""

    items: list[dict[str, Any]]
    next: int | None = Field(
        description="The last step in `items`, to be sent as `after`; null if there are no items."
    )
