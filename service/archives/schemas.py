"""Archives as they appear in JSON."""

from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, Field

from service.http.documents import Document
from service.http.fields import Sha256
from store.archives import KINDS, KINDS_OF_FILES

if TYPE_CHECKING:
    PartKind = str
else:
    PartKind = Literal[tuple(sorted({*KINDS.values(), *KINDS_OF_FILES.values()}))]
Digest = Annotated[Sha256, Path(description="SHA-256 of the archive's `pool.jsonl`.")]


class Arrival(BaseModel):
    """An archive on its way in."""

    archive: Sha256
    pool_name: str
    pool_id: UUID | None = Field(description="The pool, if it is there already; null otherwise.")


class Part(Document):
    """A file of an archive: `blobs/<sha256>` in the zip."""

    kind: PartKind
    sha256: Sha256


class MissingParts(BaseModel):
    items: list[Part]
