"""Scores of how unsure a model is of a photo. Each is computed once and kept."""

import uuid
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from store.tables import Image, Uncertainty


def known(session: Session, pool_id: uuid.UUID, model_id: uuid.UUID) -> dict[uuid.UUID, float]:
    """The model's scores of the pool's images, by their ids."""
    query = (
        select(Uncertainty.image_id, Uncertainty.score)
        .join(Image, Image.id == Uncertainty.image_id)
        .where(Uncertainty.model_id == model_id, Image.pool_id == pool_id)
    )
    return dict(session.execute(query).all())


def add(session: Session, model_id: uuid.UUID, scores: Mapping[uuid.UUID, float]) -> None:
    """Keep scores by image ids. A score that another worker has added in the meantime is equal, and stays."""
    rows = [
        {"model_id": model_id, "image_id": image_id, "score": score} for image_id, score in scores.items()
    ]
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(dialect.insert(Uncertainty).on_conflict_do_nothing(), rows)
