"""The doctor's orders and reports as they appear in JSON."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from service.http.fields import Body
from store import tables


class Examination(Body):
    """What the doctor is to do."""

    repair: bool = Field(False, description="Whether to heal what can be healed.")
    quick: bool = Field(False, description="Whether to leave the bytes of blobs and caches unread.")


class Fault(BaseModel):
    """Something that is not as it should be."""

    kind: str = Field(examples=["damaged blob"])
    what: str = Field(description="A sentence.")
    advice: str = Field(description="What a person can do, if it was not healed.")
    healed: bool


class Use(BaseModel):
    """Space on disk."""

    files: int
    bytes: int
    spare: int = Field(description="The bytes that nobody needs: workers remove them by and by.")


class Report(BaseModel):
    """What the doctor found, on the disks of the worker that looked."""

    job_id: UUID
    finished_at: datetime
    repair: bool
    quick: bool
    is_well: bool = Field(description="Whether there is no fault, or all were healed.")
    faults: list[Fault] = Field(description="At most 1,000.")
    fault_count: int
    blobs: int = Field(description="The number of blobs that rows name.")
    old_jobs: int = Field(description="The number of jobs that are kept no longer.")
    use: dict[str, Use] = Field(description="What takes space, by what it is.")

    @classmethod
    def of(cls, job: tables.Job) -> "Report":
        """The report of a job that has succeeded."""
        return cls.model_validate(
            {"job_id": job.id, "finished_at": job.finished_at, **job.spec, **(job.result or {})}
        )
