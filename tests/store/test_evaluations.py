"""Scores of single images, on SQLite and on PostgreSQL."""

import uuid

import pytest

from store import evaluations, jobs, pools
from store.database import Database
from store.images import add as add_images
from store.settings import Settings
from store.tables import Evaluation, EvaluationImage, Image, Model

SCORES = {"a": 0.1 + 0.2, "b": 0.3, "c": 1.0, "d": 0.3, "e": -7.5, "f": 1 / 3}


@pytest.fixture
def evaluation_id(database: Database) -> uuid.UUID:
    with database.write() as session:
        pool_id = pools.create(session, name="p", class_table=None, encoder="resnet50").id
        photos = [
            Image(
                name=name,
                split="test",
                sha256="0" * 64,
                size_bytes=1,
                media_type="image/png",
                width=1,
                height=1,
            )
            for name in SCORES
        ]
        added, _ = add_images(session, Settings(), pool_id, photos)
        job = jobs.create(session, Settings(), kind="evaluate", pool_id=pool_id, spec={})
        model = Model(pool_id=pool_id, name="m", method="onnx", spec={}, receipt={})
        session.add(model)
        session.flush()
        evaluation = Evaluation(
            id=uuid.uuid4(),
            model_id=model.id,
            job_id=job.id,
            split="test",
            direction="photos_to_labels",
            metrics={},
        )
        rows = [
            EvaluationImage(
                evaluation_id=evaluation.id,
                image_id=entry.image.id,
                score=SCORES[entry.image.name],
                scores={},
                sha256="0" * 64,
                size_bytes=1,
            )
            for entry in added
        ]
        evaluations.add(session, evaluation, rows)
    return evaluation.id


@pytest.mark.parametrize("limit", [1, 2, 10])
@pytest.mark.parametrize("order", ["worst", "best", "name"])
def test_pages_visit_each_image_once_in_order(
    database: Database, evaluation_id: uuid.UUID, order: str, limit: int
) -> None:
    """This holds also if scores are equal, negative, or differ only in the last bit."""
    found: list[evaluations.ScoredImage] = []
    with database.read() as session:
        while True:
            after = found[-1].id if found else None
            page = evaluations.images(session, evaluation_id, order=order, after=after, limit=limit)
            if not page:
                break
            found += page
    assert sorted(image.name for image in found) == list(SCORES)
    key = (lambda image: image.name) if order == "name" else (lambda image: image.score)
    assert [key(image) for image in found] == sorted(map(key, found), reverse=order == "best")


def test_a_cursor_of_another_evaluation_leads_nowhere(database: Database, evaluation_id: uuid.UUID) -> None:
    """No page follows an image that the evaluation has not scored."""
    with database.read() as session:
        images = evaluations.images(session, evaluation_id, order="worst", after=uuid.uuid4(), limit=10)
    assert images == []
