"""Import jobs: read an export of another tool, and annotate the photos of a pool in one transaction."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from formats.process import Request
from store import annotations, assignments, blobs, events, images
from store.tables import Annotation, Pool
from worker.attempt import Attempt
from worker.imports.plan import New, Plan
from worker.imports.reading import reading
from worker.outcomes import Mishap, Outcome

MOST_LISTED = 1000
"""The most label maps that the result lists, refused ones first; the output of the job lists all."""


def import_annotations(attempt: Attempt) -> Outcome:
    claim, tools = attempt.claim, attempt.tools
    spec = claim.spec
    with tools.database.read() as session:
        pool = session.get_one(Pool, claim.pool_id)
        newest = annotations.newest_of_pool(session, claim.pool_id)
        photos = images.of_pool(session, claim.pool_id)
    assert pool.class_table
    plan = Plan(pool.class_table, photos, newest, spec["revisions"])
    rows: list[Annotation] = []
    with attempt.files([spec["files"]]) as [path]:
        mapping = {**(pool.label_mapping or {}), **spec["mapping"]}
        most = tools.settings.max_image_pixels
        with reading(Request(str(path), spec["format"], pool.class_table, mapping, most)) as (listed, found):
            plan.place(listed)
            for line, read in zip(attempt.each(plan.lines), found, strict=True):
                new = plan.decide(line, read)
                if new and not spec["dry_run"]:
                    rows.append(annotation_of(tools.blobs, new))

    def save(session: Session) -> None:
        if not spec["dry_run"]:
            tools.blobs.require(*(row.sha256 for row in rows))
            tools.blobs.require(*(row.original_sha256 for row in rows if row.original_sha256))
            _annotate(session, rows, newest)
            by = {"job_id": str(claim.job_id), "annotations": len(rows)}
            events.add(session, claim.pool_id, "imported", "annotation", claim.pool_id, **by)
            _remember(session, pool, spec["mapping"])

    return Outcome(_result(attempt, plan), save, afterwards=lambda: tools.blobs.drop(spec["files"]))


def annotation_of(store: blobs.Blobs, new: New) -> Annotation:
    """The row of an annotation, whose bytes are stored now."""
    counted = blobs.put(store, [new.canonical.png])
    row = Annotation(
        image_id=new.image_id,
        revision=new.revision,
        sha256=counted.sha256,
        size_bytes=counted.size,
        media_type="image/png",
        class_pixels=new.canonical.class_pixels,
        unlabelled_pixels=new.canonical.unlabelled_pixels,
    )
    if new.original is not None:
        sent = blobs.put(store, [new.original])
        row.original_sha256, row.original_size_bytes = sent.sha256, sent.size
        row.original_media_type = "image/png"
    return row


def _annotate(session: Session, rows: Sequence[Annotation], seen: dict[Any, Annotation]) -> None:
    """Add the annotations. Raises Mishap if somebody has annotated one of the photos in the meantime."""
    ids = [row.image_id for row in rows]
    now = annotations.newest_locked_of(session, ids)
    if any(_revision(now.get(image_id)) != _revision(seen.get(image_id)) for image_id in ids):
        raise Mishap("annotated-meanwhile", "Somebody has annotated one of the photos during the import.")
    session.add_all(rows)
    session.flush()
    assignments.annotated(session, *ids)


def _revision(annotation: Annotation | None) -> int:
    return annotation.revision if annotation else 0


def _remember(session: Session, pool: Pool, answers: dict[str, int | None]) -> None:
    """Keep with the pool what its people said that labels mean."""
    if answers:
        kept = session.get_one(Pool, pool.id)
        kept.label_mapping = {**(kept.label_mapping or {}), **answers}


def _result(attempt: Attempt, plan: Plan) -> dict[str, Any]:
    spec = attempt.claim.spec
    summary = {"format": spec["format"], "dry_run": spec["dry_run"], **plan.totals()}
    summary["left_out"] = spec["left_out"]
    lines = [asdict(line) for line in plan.lines]
    report = blobs.put(attempt.tools.blobs, [json.dumps({**summary, "files": lines}).encode()])
    refused_first = sorted(lines, key=lambda line: line["outcome"] != "refused")
    return {
        **summary,
        "files": refused_first[:MOST_LISTED],
        "file_count": len(lines),
        "report": asdict(report),
    }
