"""Scenes jobs: draw street scenes with their label maps into a pool."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image
from sqlalchemy.orm import Session

from formats.canonical import canonical
from scenes import CLASSES, JPEG_QUALITY, draw, held_out
from store import annotations, assignments, blobs, events, images, tables
from store.states import TEST, TRAIN
from worker.attempt import Attempt
from worker.handlers.import_annotations import annotation_of
from worker.imports.plan import New
from worker.outcomes import Outcome


@dataclass(frozen=True)
class Drawn:
    """A scene whose bytes are stored, but whose rows are not."""

    image: tables.Image
    annotation: tables.Annotation | None
    """None: the photo is left to label."""


def scenes(attempt: Attempt) -> Outcome:
    """Draw the scenes; the transaction that ends the job adds all of them."""
    claim, tools = attempt.claim, attempt.tools
    count, seed = claim.spec["count"], claim.spec["seed"]
    tests = held_out(count, seed)
    drawn = [_drawn(attempt, seed, index, index in tests) for index in attempt.each(range(count))]

    def save(session: Session) -> None:
        added, _ = images.add(session, tools.settings, claim.pool_id, [scene.image for scene in drawn])
        fresh = [scene for scene, one in zip(drawn, added, strict=True) if one.outcome == "created"]
        _annotate(attempt, session, fresh)

    return Outcome({"scenes": count, "test": len(tests)}, save)


def _drawn(attempt: Attempt, seed: int, index: int, is_test: bool) -> Drawn:
    scene = draw(seed, index)
    content = io.BytesIO()
    Image.fromarray(scene.photo).save(content, "JPEG", quality=JPEG_QUALITY)
    blob = blobs.put(attempt.tools.blobs, [content.getvalue()])
    height, width = scene.label_map.shape
    image = tables.Image(
        id=tables.new_id(),
        name=f"scene-{seed}-{index:05d}.jpg",
        split=TEST if is_test else TRAIN,
        sha256=blob.sha256,
        size_bytes=blob.size,
        media_type="image/jpeg",
        width=width,
        height=height,
    )
    if not is_test and attempt.claim.spec["labelled"] != "all":
        return Drawn(image, None)
    positions = Image.fromarray(scene.label_map.astype(np.uint8))
    label_map = canonical(positions, len(CLASSES["classes"]), CLASSES["ignore"])
    return Drawn(image, annotation_of(attempt.tools.blobs, New(image.id, 1, label_map, None)))


def _annotate(attempt: Attempt, session: Session, fresh: list[Drawn]) -> None:
    claim = attempt.claim
    rows = [scene.annotation for scene in fresh if scene.annotation]
    for row in rows:
        annotations.add(session, row)
    assignments.annotated(session, *(row.image_id for row in rows))
    by = {"job_id": str(claim.job_id), "annotations": len(rows)}
    events.add(session, claim.pool_id, "imported", "annotation", claim.pool_id, **by)
