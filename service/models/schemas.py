"""Models as they appear in JSON."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from service.evaluations.schemas import Evaluation
from service.http.documents import Document
from store import tables


class ModelFile(Document):
    name: str = Field(examples=["photo_to_label.safetensors"])
    sha256: str
    size_bytes: int


class TrainingReceipt(BaseModel):
    """What a model was trained on."""

    steps: int | None = Field(
        None, description="The number of steps, fewer than planned if the training was finished early."
    )
    pairs: list[tuple[UUID, int]] = Field(description="Images, and the revisions of their annotations.")
    start_from: UUID | None = Field(None, description="The model whose weights it started from.")
    unpaired_photos: int
    unpaired_label_maps: dict[str, int] = Field(description="The number of label maps from each source.")
    missing_classes: list[str] | None = Field(
        None, description="The classes of which the pairs have no pixel; null if that is not known."
    )
    watched: int = Field(
        0,
        description="The number of test photos that it was scored on while it trained, for the curve. "
        "Nothing was chosen by these scores.",
    )
    losses: dict[str, float] = Field(description="The last step's losses, by name.")
    notes: dict[str, bool | float | str] = Field(
        description="What the training found: its encoder, for example, and deviations from the order."
    )


class Model(Document):
    """A photo → label-map translator."""

    id: UUID
    pool_id: UUID
    job_id: UUID | None = Field(description="The training that made it; null: it was imported.")
    name: str | None = Field(description="Of an imported model.")
    method: str = Field(examples=["hybrid"], description="`onnx`: it was imported.")
    spec: dict[str, Any] = Field(description="The complete configuration of the training.")
    receipt: TrainingReceipt | None = Field(description="Null: it was imported.")
    deleted: list[UUID] = Field(description="The images of its pairs that were deleted since.")
    labelling_seconds: float | None = Field(
        description="How long people worked on the label maps of its pairs, up to the revisions that it "
        "learned from; null: measured for none."
    )
    files: list[ModelFile]
    evaluations: list[Evaluation] = Field(description="Oldest first.")
    created_at: datetime

    @classmethod
    def of(
        cls,
        row: tables.Model,
        files: Sequence[tables.ModelFile],
        evaluations: Sequence[tables.Evaluation],
        left: Mapping[UUID, int],
        deleted: Collection[UUID],
        seconds: Mapping[UUID, Sequence[tuple[int, float]]],
    ) -> "Model":
        """`left` as `store.evaluations.left` gives it; `deleted` are images, of pairs of any model;
        `seconds` as `store.annotations.seconds_of` gives them for the images of its pairs.
        """
        scores = [Evaluation.of(evaluation, left) for evaluation in evaluations]
        pairs = [(UUID(image_id), revision) for image_id, revision in row.receipt.get("pairs", [])]
        worked = [s for id, newest in pairs for revision, s in seconds.get(id, ()) if revision <= newest]
        return cls.of_row(
            row,
            receipt=row.receipt or None,
            deleted=[image_id for image_id, _ in pairs if image_id in deleted],
            labelling_seconds=sum(worked) if worked else None,
            files=files,
            evaluations=scores,
        )
