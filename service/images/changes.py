"""Change a photo's name, its split, and whether it is used. A move that would make the test split useless is
refused.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from models.catalog import METHODS
from service.deletion import holds_name
from service.http.problems import NameTaken, WouldLeak
from service.images.schemas import ImageChanges
from service.jobs.enqueue import ask, pool_not_embedded
from service.lookups import found_image
from service.runtime import Service
from store import annotations, events, images, jobs, models, pools, selections
from store.states import TEST
from store.tables import Image, Job

MOST_LISTED = 100


def near_asked(service: Service, image_id: UUID, changes: ImageChanges) -> Job | None:
    """The job that finds what is nearly the same in the split that the photo leaves; None if that does not
    matter."""
    with service.database.read() as session:
        image, _ = found_image(session, image_id)
        if not _is_compared(session, image, changes):
            return None
        version = selections.version(session, image.pool_id)
    if image.shard_id is None:
        raise pool_not_embedded(
            service, image.pool_id, f"{image.name} is not embedded yet: move it in a moment."
        )
    spec = {"what": "across", "image_id": str(image_id), "split": image.split}
    return ask(service, image.pool_id, "search", f"across:{image_id}:{image.split}:{version}", spec)


def change(
    session: Session, image_id: UUID, changes: ImageChanges, near: Sequence[dict[str, Any]] | None
) -> tuple[Image, int | None]:
    """Make the changes. `near` are the photos of the split it leaves that are nearly the same; None if they
    were not looked for.

    Raises NameTaken or WouldLeak.
    """
    pools.lock(session, found_image(session, image_id)[0].pool_id)
    image, revision = found_image(session, image_id)
    if changes.split not in (None, image.split):
        if changes.split == TEST:
            _refuse_trained_on(session, image)
        if near is None and _is_compared(session, image, changes):
            raise WouldLeak(f"A photo was annotated while {image.name} was moved: move it again.")
        _refuse_near(session, image, near or ())
        image.split = changes.split
        _record(session, image, "moved", split=image.split)
    if changes.excluded not in (None, image.excluded):
        image.excluded = changes.excluded
        _record(session, image, "excluded" if image.excluded else "included")
    if changes.name not in (None, image.name):
        if other := images.by_name(session, image.pool_id, changes.name):
            named = f"Another photo of the pool is named {changes.name}: choose another name."
            raise NameTaken(holds_name(other) if other.gone_at else named)
        before, image.name = image.name, changes.name
        _record(session, image, "renamed", before=before, name=image.name)
    session.flush()
    return image, revision


def _record(session: Session, image: Image, action: events.Action, **details: Any) -> None:
    events.add(session, image.pool_id, action, "image", image.id, **details)


def _refuse_trained_on(session: Session, image: Image) -> None:
    """Refuse to test models on a photo that they learned from, or are about to learn from."""
    if learned := models.trained_on(session, image):
        raise WouldLeak(
            f"{image.name} cannot become a test photo, because models learned from it ({len(learned)}): "
            "their scores would be too good. Delete these models first, or exclude the photo instead.",
            models=[str(model.id) for model in learned[:MOST_LISTED]],
        )
    for job in jobs.unfinished(session, image.pool_id, "train"):
        is_pair = any(image_id == str(image.id) for image_id, _ in job.spec["pairs"])
        if is_pair or METHODS[job.spec["method"]].needs_unpaired:
            raise WouldLeak(
                f"{image.name} cannot become a test photo, because a training learns from it: cancel the "
                f"training {job.id}, or exclude the photo instead.",
                jobs=[str(job.id)],
            )


def _is_compared(session: Session, image: Image, changes: ImageChanges) -> bool:
    """Whether a move could leave a test photo beside an annotated train photo that is nearly the same."""
    if changes.split in (None, image.split) or image.embed_error:
        return False
    if image.split == TEST:
        return bool(annotations.annotated(session, [image.id]))
    return annotations.any_annotated(session, image.pool_id, image.split)


def _refuse_near(session: Session, image: Image, near: Sequence[dict[str, Any]]) -> None:
    """Refuse a move after which a test photo would be nearly the same as an annotated train photo."""
    ids = [UUID(other["image_id"]) for other in near]
    annotated = annotations.annotated(session, [image.id, *ids])
    leaks = [
        other
        for other, other_id in zip(near, ids, strict=True)
        if (image.id if image.split == TEST else other_id) in annotated
    ]
    if leaks:
        raise WouldLeak(
            f"{image.name} cannot leave the {image.split} split, because photos that are nearly the same "
            f"stay there ({len(leaks)}; the nearest is {leaks[0]['name']}), and what is learned from one "
            "would be tested on the other. Exclude those photos first, or exclude this one instead.",
            images=[other["image_id"] for other in leaks[:MOST_LISTED]],
        )
