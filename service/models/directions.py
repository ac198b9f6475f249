"""Which way a model translates."""

from uuid import UUID

from sqlalchemy.orm import Session

from service.http.problems import NoSuchDirection
from service.runtime import found_model
from store import models

BACKWARD = "label_to_photo.safetensors"


def require_direction(session: Session, model_id: UUID, direction: str) -> None:
    """Raise NoSuchDirection unless the model translates that way. All models make label maps of photos."""
    if direction == "labels_to_photos" and models.file(session, model_id, BACKWARD) is None:
        method = found_model(session, model_id).method
        raise NoSuchDirection(
            f"This model ({method}) makes label maps of photos and not the reverse: use one trained with "
            "hybrid, pix2pix, cyclegan or tripathy."
        )
