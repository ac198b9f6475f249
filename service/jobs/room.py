"""How many unfinished jobs one principal may have, so that the workers are there for others too."""

from sqlalchemy.orm import Session

from service.http.limits import how_to_raise
from service.http.problems import TooManyRequests
from store import lines
from store.actors import current
from store.settings import Settings

RETRY_AFTER_S = "30"


def require_room(session: Session, settings: Settings, kind: str) -> None:
    """Raise TooManyRequests if whoever asks may not have another job of this kind now."""
    principal_id = current().principal_id
    if lines.unfinished(session, principal_id) >= settings.max_jobs:
        raise _too_many(settings, "jobs", "max_jobs")
    if kind == "train" and lines.unfinished(session, principal_id, kind) >= settings.max_trainings:
        raise _too_many(settings, "trainings", "max_trainings")


def _too_many(settings: Settings, what: str, limit: str) -> Exception:
    return TooManyRequests(
        f"{getattr(settings, limit):,} {what} of yours wait or run already: wait until one ends, cancel one"
        f"{how_to_raise(settings, limit)}."
    ).with_headers(Retry_After=RETRY_AFTER_S)
