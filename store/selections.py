"""The data that a selection is made from, and the selections that were made."""

import hashlib
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store import annotations
from store.filters import in_use, kept
from store.states import TRAIN
from store.tables import Annotation, Event, Image, Selection, Shard

ROWS_A_READ = 5000


class Embedded(NamedTuple):
    """The fields of an embedded image that a selection needs."""

    id: uuid.UUID
    name: str
    sha256: str


@dataclass(frozen=True)
class ImagesState:
    """What a selection depends on in the embedded images of a split."""

    count: int
    digest: str
    last_id: uuid.UUID | None
    """None: there are none."""


@dataclass(frozen=True)
class AnnotationsState:
    """What a selection depends on in the annotations of a split."""

    count: int
    embedded: int
    """The number of annotations of embedded images."""
    annotated_digest: str
    revisions_digest: str


@dataclass(frozen=True)
class State:
    """Digests of a split that change whenever a selection in this split could change."""

    images: ImagesState
    annotations: AnnotationsState

    @property
    def pickable(self) -> int:
        """How many images are embedded and not annotated."""
        return self.images.count - self.annotations.embedded


def embedded(
    session: Session,
    pool_id: uuid.UUID,
    split: str,
    *,
    up_to: uuid.UUID | None = None,
    among: Sequence[uuid.UUID] | None = None,
    without: Collection[uuid.UUID] | None = None,
) -> Iterator[Embedded]:
    """Yield the embedded images of a split that are in use, in the order of their ids.

    `up_to` limits them to ids up to this one, `among` to these images. `without` are the images that are not
    in use; None: those that are excluded now. They are read in parts, because a pool may have millions.
    """
    query = select(Image.id, Image.name, Image.sha256).where(
        Image.pool_id == pool_id, Image.split == split, Image.shard_id.is_not(None), kept(Image)
    )
    if up_to:
        query = query.where(Image.id <= up_to)
    if among is not None:
        query = query.where(Image.id.in_(among))
    if without is None:
        query = query.where(~Image.excluded)
    rows = session.execute(query.order_by(Image.id).execution_options(yield_per=ROWS_A_READ))
    return (image for image in (Embedded(*row) for row in rows) if image.id not in (without or ()))


def excluded(session: Session, pool_id: uuid.UUID) -> set[uuid.UUID]:
    """The embedded images of a pool that are not in use."""
    query = select(Image.id).where(Image.pool_id == pool_id, Image.excluded, Image.shard_id.is_not(None))
    return set(session.scalars(query.where(kept(Image))))


def annotated(
    session: Session, pool_id: uuid.UUID, split: str, among: Sequence[uuid.UUID] | None = None
) -> dict[uuid.UUID, int]:
    """The revision that counts of each annotated image of a split, by its id; `among`: of those listed."""
    query = (
        select(Annotation.image_id, Annotation.revision)
        .join(Image, Image.id == Annotation.image_id)
        .where(Image.pool_id == pool_id, Image.split == split, in_use(), annotations.counts())
    )
    if among is not None:
        query = query.where(Image.id.in_(among))
    return dict(session.execute(query).all())


def images_digest(images: Iterable[Embedded]) -> str:
    """SHA-256 over `<hexadecimal image id><SHA-256 of its bytes>` of images in the order of their ids."""
    return _digest(map(_line, images))


def _line(image: Embedded) -> str:
    return image.id.hex + image.sha256


def annotated_digest(image_ids: Iterable[uuid.UUID]) -> str:
    """SHA-256 over the sorted hexadecimal ids of the annotated images, not separated."""
    return _digest(sorted(image_id.hex for image_id in image_ids))


def _digest(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode())
    return digest.hexdigest()


def version(session: Session, pool_id: uuid.UUID) -> str:
    """A text that is another one after each change of the pool's images: the ids of the newest shard and of
    their newest event.
    """
    shards = select(Shard.id).where(Shard.pool_id == pool_id).order_by(Shard.id.desc())
    changes = Event.pool_id == pool_id, Event.kind == "image", Event.action != "added"
    events = select(Event.id).where(*changes).order_by(Event.id.desc())
    newest = [session.scalar(query.limit(1)) for query in (shards, events)]
    return "-".join(id.hex if id else "" for id in newest)


def any_embedded(session: Session, pool_id: uuid.UUID) -> bool:
    query = select(Image.id).where(Image.pool_id == pool_id, Image.shard_id.is_not(None)).limit(1)
    return session.scalar(query) is not None


def annotation_count(session: Session) -> int:
    """The number of revisions in all pools, which is cheap. It grows with each annotation and withdrawal."""
    return session.scalars(select(func.count()).select_from(Annotation)).one()


def images_state(session: Session, pool_id: uuid.UUID, split: str) -> ImagesState:
    """The state of the images; reads and hashes every image."""
    digest, count, last_id = hashlib.sha256(), 0, None
    for image in embedded(session, pool_id, split):
        digest.update(_line(image).encode())
        count, last_id = count + 1, image.id
    return ImagesState(count, digest.hexdigest(), last_id)


def annotations_state(session: Session, pool_id: uuid.UUID, split: str) -> AnnotationsState:
    revisions = annotated(session, pool_id, split)
    query = (
        select(func.count())
        .select_from(Annotation)
        .join(Image, Image.id == Annotation.image_id)
        .where(
            Image.pool_id == pool_id,
            Image.split == split,
            Image.shard_id.is_not(None),
            in_use(),
            annotations.counts(),
        )
    )
    return AnnotationsState(
        count=len(revisions),
        embedded=session.scalars(query).one(),
        annotated_digest=annotated_digest(revisions),
        revisions_digest=_digest(
            sorted(f"{image_id.hex}{revision}" for image_id, revision in revisions.items())
        ),
    )


def waiting(session: Session, pool_id: uuid.UUID, splits: Sequence[str]) -> int:
    """The number of images whose embedding is still to be tried."""
    query = select(func.count()).select_from(Image).where(Image.pool_id == pool_id, Image.split.in_(splits))
    return session.scalars(query.where(Image.shard_id.is_(None), Image.embed_error.is_(None), in_use())).one()


def image_count(session: Session, pool_id: uuid.UUID, split: str) -> int:
    """The number of images in use."""
    query = select(func.count()).select_from(Image).where(Image.pool_id == pool_id, Image.split == split)
    return session.scalars(query.where(in_use())).one()


def get(session: Session, selection_id: uuid.UUID) -> Selection | None:
    return session.get(Selection, selection_id)


def newest(session: Session, pool_id: uuid.UUID) -> Selection | None:
    """The newest selection of train images: its picks are handed out unless another selection is named."""
    split = Selection.document["receipt"]["split"].as_string()
    query = select(Selection).where(Selection.pool_id == pool_id, split == TRAIN, kept(Selection))
    return session.scalar(query.order_by(Selection.id.desc()).limit(1))


def ranks(selection: Selection) -> dict[uuid.UUID, int]:
    """The rank of each picked image, by its id."""
    return {uuid.UUID(pick["image_id"]): pick["rank"] for pick in selection.document["picks"]}


def picks_digest(picks: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 over the picked images' hexadecimal ids by rank, not separated."""
    ids = "".join(uuid.UUID(pick["image_id"]).hex for pick in picks)
    return hashlib.sha256(ids.encode()).hexdigest()
