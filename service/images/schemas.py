"""Photos as they appear in JSON."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.http.documents import Document
from service.http.fields import Body, Sha256
from service.http.names import SPELLED_AS_KEPT, PathName
from service.http.pages import Contains, Limit, OrderedCursor, Total
from service.http.problems import BadRequest
from store import tables
from store.image_lists import Sort, Wanted
from store.images import Added
from store.states import Split

MOST_IDS = 100
"""The most photos that a list is asked for by their ids: addresses have a limited length."""


class Image(Document):
    """One photo of a pool."""

    id: UUID
    pool_id: UUID
    name: str = Field(description="A path below the pool, which no other photo of it has.")
    split: Split
    sha256: str = Field(
        description="SHA-256 of the bytes as they were sent; `/images/{id}/content` returns them unchanged."
    )
    size_bytes: int
    width: int
    height: int
    media_type: str
    embedded: bool
    excluded: bool = Field(description="Whether it is left out of selections, trainings and evaluations.")
    embed_error: str | None = Field(
        description="Why the photo could not be embedded; null otherwise. Such a photo is never picked."
    )
    annotation_revision: int | None = Field(
        description="The revision of the annotation; null if the photo has none."
    )
    created_at: datetime

    @classmethod
    def of(cls, row: tables.Image, annotation_revision: int | None) -> "Image":
        embedded = row.shard_id is not None
        return cls.of_row(row, embedded=embedded, annotation_revision=annotation_revision)


class ListedImage(Image):
    """A photo of a list."""

    uncertainty: float | None = Field(
        description="How unsure the list's `model` is of the photo: 0, sure, to 1; null if none was named."
    )

    @classmethod
    def found(cls, row: tables.Image, revision: int | None, uncertainty: float | None) -> "ListedImage":
        embedded = row.shard_id is not None
        return cls.of_row(row, embedded=embedded, annotation_revision=revision, uncertainty=uncertainty)


class Uploaded(Image):
    """A photo as the answer to its upload."""

    copy_of: str | None = Field(
        description="The name of the pool's first photo with the same bytes; null if it is this one. A copy "
        "is never picked."
    )

    @classmethod
    def added(cls, added: Added, annotation_revision: int | None = None) -> "Uploaded":
        embedded = added.image.shard_id is not None
        return cls.of_row(
            added.image,
            embedded=embedded,
            annotation_revision=annotation_revision,
            copy_of=added.copy_of,
        )


class ImageChanges(Body):
    """What is to change; what is left out or null stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"excluded": True}]})

    name: PathName | None = None
    excluded: bool | None = Field(
        None, description="true: leave it out of selections, trainings and evaluations. false: use it again."
    )
    split: Split | None = Field(
        None,
        description="Move it to this split. Refused if a model that learned from it would be tested on it, "
        "and if an annotated train photo would be nearly the same as a test photo.",
    )


class Listed(BaseModel):
    """Which photos a list has, in which order, and which part of them is asked for."""

    model_config = ConfigDict(extra="forbid")

    sort: Sort = Field(
        "added",
        description="With a minus, the largest first. `pixels`: by width × height. `uncertainty`: by how "
        "unsure `model` is of the photo.",
    )
    contains: Contains = None
    name: Annotated[str, SPELLED_AS_KEPT] | None = Field(None, description="Only the photo with this name.")
    id: list[UUID] | None = Field(None, max_length=MOST_IDS, description="Only these photos.")
    split: Split | None = None
    annotated: bool | None = Field(
        None, description="Only photos with an annotation, or only photos without one."
    )
    annotated_by: str | None = Field(
        None, max_length=100, description="Only photos that this user has annotated."
    )
    excluded: bool | None = Field(None, description="Only photos that are left out, or only those in use.")
    failed: bool | None = Field(
        None, description="Only photos that could not be embedded, or only the others."
    )
    model: UUID | None = Field(
        None, description="Only photos of which it is known how unsure this model is: a selection with it."
    )
    deleted: bool = Field(False, description="1: only photos that were deleted and can be taken back.")
    total: Total = False
    cursor: OrderedCursor = None
    skip: int = Field(
        0, ge=0, le=10_000_000, description="How many photos to leave out before the page, to jump ahead."
    )
    limit: Limit = 100

    @model_validator(mode="after")
    def _names_the_model(self) -> "Listed":
        if self.sort.endswith("uncertainty") and self.model is None:
            raise BadRequest("`uncertainty` is that of a model: name it with `model`.")
        return self

    def wanted(self, pool_id: UUID) -> Wanted:
        parts = self.model_dump(exclude={"id", "total", "cursor", "skip", "limit"})
        return Wanted(pool_id=pool_id, ids=self.id, **parts)


class Rejected(BaseModel):
    name: str
    type: str = Field(
        description="The slug of the problem; `/problems/{slug}` explains it.", examples=["truncated-image"]
    )
    reason: str


class LeftOut(BaseModel):
    """A folder of an archive whose files were not taken as photos."""

    folder: str = Field(examples=["street/labels"])
    files: int
    reason: str


class Upload(BaseModel):
    """The result of one upload. Every accepted file is durable."""

    accepted: list[Uploaded]
    unchanged: int = Field(description="How many files were already in the pool with the same bytes.")
    rejected: list[Rejected]
    left_out: list[LeftOut] = Field(description="Folders of label maps in an archive.")
    junk: int = Field(
        description="Hidden files and others that nobody means to send, such as `__MACOSX` and `Thumbs.db`; "
        "they are only counted."
    )


class NamedDigest(Body):
    name: PathName
    sha256: Sha256 | None = Field(None, description="null: a file of this name counts as the same file.")


class Listing(Body):
    """The files that a client wants to upload."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"files": [{"name": "a.jpg", "sha256": "0" * 64}]}]}
    )

    split: Split | None = Field(
        "train",
        description="The split to upload them to; null: as their folders say, in the way of archives.",
    )
    files: list[NamedDigest] = Field(max_length=100_000, fail_fast=True)


class Missing(BaseModel):
    missing: list[str] = Field(description="Names that the pool does not have: upload these files.")
    conflicts: list[str] = Field(
        description="Names that the pool has with other bytes or in the other split: their upload gives 409."
    )
    test: list[str] = Field(description="If `split` is null: the names that belong to the test split.")
    left_out: list[LeftOut] = Field(
        description="If `split` is null: folders of label maps, whose files are in no other list."
    )
