"""Models as they appear in JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from service.evaluations.schemas import Evaluation
from store import tables


class ModelFile(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["photo_to_label.safetensors"])
    sha256: str
    size_bytes: int


class TrainingReceipt(BaseModel):
    """What a model was trained on."""

    pairs: list[tuple[UUID, int]] = Field(description="Images, and the revisions of their annotations.")
    unpaired_photos: int
    unpaired_label_maps: dict[str, int] = Field(description="The number of label maps from each source.")
    losses: dict[str, float] = Field(description="The last step's losses, by name.")
    notes: dict[str, bool | str] = Field(description="Deviations from the order, and why.")


class Model(BaseModel):
    """A photo → label-map translator."""

    id: UUID
    pool_id: UUID
    job_id: UUID | None = Field(description="The training that made it; null: it was imported.")
    name: str | None = Field(description="Of an imported model.")
    method: str = Field(examples=["hybrid"], description="`onnx`: it was imported.")
    spec: dict[str, Any] = Field(description="The complete configuration of the training.")
    receipt: TrainingReceipt | None = Field(description="Null: it was imported.")
    files: list[ModelFile]
    evaluations: list[Evaluation] = Field(description="Oldest first.")
    created_at: datetime

    @classmethod
    def of(
        cls, row: tables.Model, files: Sequence[tables.ModelFile], evaluations: Sequence[tables.Evaluation]
    ) -> "Model":
        return cls(
            id=row.id,
            pool_id=row.pool_id,
            job_id=row.job_id,
            name=row.name,
            method=row.method,
            spec=row.spec,
            receipt=TrainingReceipt.model_validate(row.receipt) if row.receipt else None,
            files=[ModelFile.model_validate(file) for file in files],
            evaluations=[Evaluation.model_validate(evaluation) for evaluation in evaluations],
            created_at=row.created_at,
        )
