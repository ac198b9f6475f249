"""What a selection is asked and made from, and the selections that were made."""

import fnmatch
import hashlib
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store.tables import Annotation, Image, Selection, Shard

AUTO: Literal["auto"] = "auto"
OFF: Literal["off"] = "off"
TRAIN, TEST = "train", "test"


@dataclass(frozen=True)
class Question:
    """Which images to label with this budget: the spec of a select job. Ids are texts.

    `name` is a glob. `duplicates_within` and `test_distance` are Euclidean distances between embeddings, or
    "auto"; `duplicates_within` None and `test_distance` "off": no image is left out for its likeness.
    """

    budget: int
    strategy: str
    seed: int
    split: str = TRAIN
    name: str | None = None
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    duplicates_within: float | Literal["auto"] | None = None
    test_distance: float | Literal["auto", "off"] = AUTO
    balance: bool = False
    model: str | None = None

    @property
    def looks_at_tests(self) -> bool:
        """Whether the picks depend on the test images."""
        return self.split == TRAIN and self.test_distance != OFF

    def matching(self, images: Iterable["Embedded"]) -> list["Embedded"]:
        """The images whose name the glob matches, case and all."""
        if self.name is None:
            return list(images)
        matches = re.compile(fnmatch.translate(self.name)).match
        return [image for image in images if matches(image.name)]


class Embedded(NamedTuple):
    """An image that has an embedding, as far as a selection is concerned."""

    id: uuid.UUID
    name: str
    sha256: str


@dataclass(frozen=True)
class State:
    """Digests of a split that change whenever a selection in it could."""

    embedded: int
    annotated: int
    pickable: int
    """Embedded and not annotated."""
    images_digest: str
    annotated_digest: str
    revisions_digest: str


def embedded(
    session: Session, pool_id: uuid.UUID, split: str, up_to: uuid.UUID | None = None
) -> list[Embedded]:
    """The embedded images of a split, in the order of their ids; `up_to`: those with an id up to this one."""
    query = select(Image.id, Image.name, Image.sha256).where(
        Image.pool_id == pool_id, Image.split == split, Image.shard_id.is_not(None)
    )
    if up_to:
        query = query.where(Image.id <= up_to)
    return [Embedded(*row) for row in session.execute(query.order_by(Image.id))]


def annotated(session: Session, pool_id: uuid.UUID, split: str) -> dict[uuid.UUID, int]:
    """The newest revision of each annotated image of a split, by its id."""
    query = (
        select(Annotation.image_id, func.max(Annotation.revision))
        .join(Image, Image.id == Annotation.image_id)
        .where(Image.pool_id == pool_id, Image.split == split)
        .group_by(Annotation.image_id)
    )
    return dict(session.execute(query).all())


def images_digest(images: Iterable[Embedded]) -> str:
    """SHA-256 over the sorted lines `<hexadecimal image id><SHA-256 of its bytes>` of the images."""
    return _digest(image.id.hex + image.sha256 for image in images)


def annotated_digest(image_ids: Iterable[uuid.UUID]) -> str:
    """SHA-256 over the sorted hexadecimal ids of the annotated images, not separated."""
    return _digest(image_id.hex for image_id in image_ids)


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def token(session: Session, pool_id: uuid.UUID) -> tuple[int, int]:
    """Two counts that are cheap, and grow with whatever a pool's `state` depends on.

    Shards and annotations are only ever added, and an image is embedded when its shard is added.
    """
    shards = select(func.count()).select_from(Shard).where(Shard.pool_id == pool_id)
    annotations = select(func.count()).select_from(Annotation)
    return session.scalars(shards).one(), session.scalars(annotations).one()


def state(session: Session, pool_id: uuid.UUID, split: str) -> State:
    images = embedded(session, pool_id, split)
    revisions = annotated(session, pool_id, split)
    return State(
        embedded=len(images),
        annotated=len(revisions),
        pickable=sum(image.id not in revisions for image in images),
        images_digest=images_digest(images),
        annotated_digest=annotated_digest(revisions),
        revisions_digest=_digest(f"{image_id.hex}{revision}" for image_id, revision in revisions.items()),
    )


def waiting(session: Session, pool_id: uuid.UUID, splits: Sequence[str]) -> int:
    """How many images are neither embedded nor found impossible to embed."""
    query = select(func.count()).select_from(Image).where(Image.pool_id == pool_id, Image.split.in_(splits))
    return session.scalars(query.where(Image.shard_id.is_(None), Image.embed_error.is_(None))).one()


def image_count(session: Session, pool_id: uuid.UUID, split: str) -> int:
    query = select(func.count()).select_from(Image).where(Image.pool_id == pool_id, Image.split == split)
    return session.scalars(query).one()


def get(session: Session, selection_id: uuid.UUID) -> Selection | None:
    return session.get(Selection, selection_id)


def newest(session: Session, pool_id: uuid.UUID) -> Selection | None:
    query = select(Selection).where(Selection.pool_id == pool_id).order_by(Selection.id.desc()).limit(1)
    return session.scalar(query)


def ranks(selection: Selection) -> dict[uuid.UUID, int]:
    """The rank of each picked image, by its id."""
    return {uuid.UUID(pick["image_id"]): pick["rank"] for pick in selection.document["picks"]}


def picks_digest(picks: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 over the picked images' hexadecimal ids by rank, not separated."""
    ids = "".join(uuid.UUID(pick["image_id"]).hex for pick in picks)
    return hashlib.sha256(ids.encode()).hexdigest()
