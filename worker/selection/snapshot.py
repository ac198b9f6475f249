"""The part of a pool that a question is about, at one moment."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from store import selections
from store.question import Question
from store.selections import Embedded
from store.states import TEST
from store.tables import Pool


@dataclass(frozen=True)
class PoolSnapshot:
    """The embedded images and the annotations that a selection depends on; images are in the order of ids."""

    pool: Pool
    images: Sequence[Embedded]
    """The embedded images of the split."""
    tests: Sequence[Embedded]
    """The embedded test images, if the question depends on them."""
    labelled: Mapping[uuid.UUID, int]
    """The annotated images of the split by id, each with the revision that counts."""
    without: Collection[uuid.UUID]
    """The embedded images of the pool that are not in use, and in none of the above."""


def take_snapshot(
    session: Session,
    pool_id: uuid.UUID,
    question: Question,
    *,
    up_to: str | None = None,
    labelled: Mapping[uuid.UUID, int] | None = None,
    without: Collection[uuid.UUID] | None = None,
) -> PoolSnapshot:
    """The pool as it is now; or as it was, with the images up to an id, with these `labelled` ones, and
    `without` those that were not in use.
    """
    last = uuid.UUID(up_to) if up_to else None
    if without is None:
        without = selections.excluded(session, pool_id)
    images = list(selections.embedded(session, pool_id, question.split, up_to=last, without=without))
    if labelled is None:
        labelled = selections.annotated(session, pool_id, question.split)
    tests = (
        selections.embedded(session, pool_id, TEST, up_to=last, without=without)
        if question.looks_at_tests
        else ()
    )
    return PoolSnapshot(
        pool=session.get_one(Pool, pool_id),
        images=images,
        tests=list(tests),
        without=without,
        labelled={image.id: labelled[image.id] for image in images if image.id in labelled},
    )
