"""What the advice for a pool depends on, from its rows and the settings."""

from sqlalchemy.orm import Session

from models.advice import CPU, GPU, Situation
from store import pools
from store.settings import Settings
from store.states import TRAIN
from store.tables import Pool


def situation(session: Session, settings: Settings, pool: Pool, device: str | None = None) -> Situation:
    """The pool's situation on `device`. None: the device of the settings, where `auto` counts as a CPU, as
    the service does not see its workers' machines."""
    train = pools.counts(session, [pool.id])[pool.id].splits[TRAIN]
    return Situation(
        pairs=train.annotated,
        unpaired_photos=train.images - train.annotated,
        has_classes=pool.class_table is not None,
        encoder=pool.encoder,
        device=device or (GPU if settings.device == "cuda" else CPU),
    )
