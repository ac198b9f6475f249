"""What a training reads from a pool."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from store import annotations, images, pools, trainings
from store.database import Database
from store.settings import Settings
from store.tables import Annotation, Image

LARGE_POOL = 600


def annotated_images(database: Database, count: int, revisions: int = 2) -> list[uuid.UUID]:
    """The ids of `count` images, each with this number of revisions of an annotation."""
    photos = [
        Image(
            name=f"{n}.png",
            split="train",
            sha256=f"{n:064}",
            size_bytes=1,
            media_type="image/png",
            width=1,
            height=1,
        )
        for n in range(count)
    ]
    with database.write() as session:
        pool = pools.create(session, name="p", class_table=None, encoder="resnet50")
        added, _ = images.add(session, Settings(), pool.id, photos)
        for each in added:
            for revision in range(1, revisions + 1):
                drawn = {"sha256": f"{revision:064}", "size_bytes": 1, "media_type": "image/png"}
                annotations.add(session, Annotation(image_id=each.image.id, revision=revision, **drawn))
    return [each.image.id for each in added]


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """The statements that are executed within the block."""
    executed: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        executed.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield executed
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def test_pairs_come_in_the_order_asked_for(database: Database) -> None:
    """Each image comes with the annotation of the given revision, even if that is not the newest one."""
    first, second, third = annotated_images(database, 3)
    wanted = [(str(third), 1), (str(first), 2), (str(second), 1)]
    with database.read() as session:
        found = trainings.pairs(session, wanted)
    assert [(str(image.id), annotation.revision) for image, annotation in found] == wanted
    assert all(image.id == annotation.image_id for image, annotation in found)


def test_a_missing_revision_is_an_error(database: Database) -> None:
    """The error names the image and the revision that do not exist."""
    [image_id] = annotated_images(database, 1)
    with database.read() as session, pytest.raises(LookupError, match=f"{image_id}, or revision 3"):
        trainings.pairs(session, [(str(image_id), 1), (str(image_id), 3)])


def test_many_pairs_are_read_by_few_statements(database: Database) -> None:
    """A training of 600 pairs reads them by two statements, not by one for each pair."""
    wanted = [(str(image_id), 1) for image_id in annotated_images(database, LARGE_POOL, revisions=1)]
    with database.write() as session, statements(database) as executed:
        found = trainings.pairs(session, wanted)
    assert len(found) == LARGE_POOL
    assert len([statement for statement in executed if statement.startswith("SELECT")]) == 2
