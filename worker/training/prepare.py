"""Fills a run directory with the files that a training reads. Repeating it changes no existing file,
unless its bytes are damaged."""

import uuid
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from models.catalog import METHODS, TrainingSpec, build
from models.evaluation import EvaluationItem
from models.images.palette import ClassTable
from models.training.data import TrainingFiles
from models.training.manifest import Manifest, Validation
from models.training.run_directory import RunDirectory
from store import models, trainings
from store.blobs import digest_of
from store.label_maps import ANNOTATIONS
from store.tables import Annotation, Image, Pool
from worker.attempt import Attempt
from worker.outcomes import Permanent

SAMPLES = 8
WATCHED, WATCHED_PIXELS = 20, 24_000_000
"""A training is scored on at most so many test photos, of so many pixels together: both cost time."""


def prepare(attempt: Attempt, run: RunDirectory) -> None:
    """Write `spec.json` and `manifest.json` unless they exist, and fetch the files that are missing.

    What the first attempt wrote stays: a resumed training sees the files it began with, whatever was uploaded
    since. Raises Permanent when the options of the training are not possible.
    """
    run.path.mkdir(parents=True, exist_ok=True)
    if not run.spec_file.exists():
        run.write_spec(_spec(attempt))
    if not run.manifest_file.exists():
        run.write_manifest(_manifest(attempt))
    data = run.path / "data"
    data.mkdir(exist_ok=True)
    for path in run.manifest().paths():
        attempt.lease.check()
        if not (path.exists() and digest_of(path) == path.name):  # a power cut may have left half of it
            part = data / f"part-{attempt.claim.attempt}"
            part.unlink(missing_ok=True)
            attempt.tools.blobs.fetch(path.name, part)
            part.rename(path)


def bring_start(attempt: Attempt, run: RunDirectory) -> None:
    """Fetch the weights of the model that the training starts from, if it names one. Raises Permanent."""
    model_id = attempt.claim.spec.get("start_from")
    if model_id is None or run.start.exists():
        return
    with attempt.tools.database.read() as session:
        files = models.files(session, [uuid.UUID(model_id)]).get(uuid.UUID(model_id))
    if files is None:
        raise Permanent("start-deleted", f"The model {model_id} was deleted: start from another one.")
    part = run.path / f"start-{attempt.claim.attempt}"
    part.mkdir()
    for file in files:
        if file.name.endswith(".safetensors"):
            attempt.tools.blobs.fetch(file.sha256, part / file.name)
    part.rename(run.start)


def _spec(attempt: Attempt) -> TrainingSpec:
    spec = attempt.claim.spec
    try:
        return build(spec["recipe"], spec["method"], **spec["options"])
    except ValueError as error:
        raise Permanent("invalid-training-spec", str(error)) from error


def _manifest(attempt: Attempt) -> Manifest:
    """The manifest. Files are named by their digests; a method gets only files that it learns from."""
    claim = attempt.claim
    facts, sources = METHODS[claim.spec["method"]], claim.spec["label_sources"]
    with attempt.tools.database.read() as session:
        pool = session.get_one(Pool, claim.pool_id)
        pairs = _pairs(session, claim.spec["pairs"])
        photos = trainings.train_photos(session, claim.pool_id) if facts.needs_unpaired else []
        uploaded = trainings.unpaired_label_maps(session, claim.pool_id, sources)
        tests = trainings.annotated(session, claim.pool_id, "test")
    samples = tests[:SAMPLES] or pairs[:SAMPLES]
    label_maps: list[tuple[str, Any]] = []
    if facts.needs_unpaired:
        label_maps += [(row.source, row) for row in uploaded]
        if sources is None or ANNOTATIONS in sources:
            label_maps += [(ANNOTATIONS, annotation) for _, annotation in pairs]
    files = TrainingFiles(
        class_table=None if pool.class_table is None else ClassTable.from_json(pool.class_table),
        pairs=[(_file(image), _file(annotation)) for image, annotation in pairs if facts.needs_pairs],
        unpaired_photos=[_file(image) for image in photos],
        unpaired_label_maps=[_file(row) for _, row in label_maps],
    )
    return Manifest(
        files,
        [(_file(image), _file(annotation)) for image, annotation in samples],
        _validation(tests) if facts.rehearsed else None,  # the others are over before a curve begins
        label_sources=Counter(source for source, _ in label_maps),
    )


def _validation(tests: list[tuple[Image, Annotation]]) -> Validation | None:
    """Test photos spread evenly over their names: the same ones for every training on them."""
    if not tests:
        return None
    pixels = sum(image.width * image.height for image, _ in tests) / len(tests)
    count = min(len(tests), WATCHED, max(1, int(WATCHED_PIXELS / pixels)))
    by_name = sorted(tests, key=lambda pair: pair[0].name)
    watched = [by_name[place * len(tests) // count] for place in range(count)]
    return Validation(
        every=None,
        items=tuple(
            EvaluationItem(image.name, _file(image), _file(annotation)) for image, annotation in watched
        ),
    )


def _pairs(session: Session, revisions: list[tuple[str, int]]) -> list[tuple[Image, Annotation]]:
    try:
        return trainings.pairs(session, revisions)
    except LookupError as error:
        detail = f"A pair of the training is gone: {error}. Order the training again."
        raise Permanent("pairs-deleted", detail) from error


def _file(row: Any) -> Path:
    return Path("data", row.sha256)
