"""Fills a run directory with what a training reads. Done again, it changes nothing that is there."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from models.catalog import METHODS, build
from models.files import write_text
from models.training.run_directory import RunDirectory
from store import trainings
from store.label_maps import ANNOTATIONS
from store.tables import Pool
from worker.attempt import Attempt
from worker.outcomes import Permanent

SAMPLES = 8


def prepare(attempt: Attempt, run: RunDirectory) -> None:
    """Write `spec.json` and `manifest.json` unless they are there, and fetch the files that are not there.

    What the first attempt wrote stays: a resumed training sees the files it began with, whatever was uploaded
    since. Raises Permanent when the options of the training are not possible.
    """
    run.path.mkdir(parents=True, exist_ok=True)
    for name, content in (("spec.json", _spec), ("manifest.json", _manifest)):
        if not (run.path / name).exists():
            write_text(run.path / name, json.dumps(content(attempt), indent=2))
    data = run.path / "data"
    data.mkdir(exist_ok=True)
    for name in _files(json.loads((run.path / "manifest.json").read_text(encoding="utf-8"))):
        attempt.lease.check()
        path = run.path / name
        if not path.exists():
            part = data / f"part-{attempt.claim.attempt}"
            part.unlink(missing_ok=True)
            attempt.tools.blobs.fetch(path.name, part)
            part.rename(path)


def _spec(attempt: Attempt) -> dict[str, Any]:
    spec = attempt.claim.spec
    try:
        return build(spec["recipe"], spec["method"], **spec["options"]).to_json()
    except ValueError as error:
        raise Permanent("invalid-training-spec", str(error)) from error


def _manifest(attempt: Attempt) -> dict[str, Any]:
    """Files are named by their digest. A method gets only what it learns from."""
    claim = attempt.claim
    facts, sources = METHODS[claim.spec["method"]], claim.spec.get("label_sources")
    with attempt.tools.database.read() as session:
        pool = session.get_one(Pool, claim.pool_id)
        pairs = trainings.pairs(session, claim.spec["pairs"])
        photos = trainings.train_photos(session, claim.pool_id) if facts.needs_unpaired else []
        uploaded = trainings.unpaired_label_maps(session, claim.pool_id, sources)
        samples = trainings.annotated(session, claim.pool_id, "test", limit=SAMPLES) or pairs[:SAMPLES]
    label_maps: list[tuple[str, Any]] = []
    if facts.needs_unpaired:
        label_maps += [(row.source, row) for row in uploaded]
        if sources is None or ANNOTATIONS in sources:
            label_maps += [(ANNOTATIONS, annotation) for _, annotation in pairs]
    return {
        "class_table": pool.class_table,
        "pairs": [[_file(image), _file(annotation)] for image, annotation in pairs if facts.needs_pairs],
        "unpaired_photos": [_file(image) for image in photos],
        "unpaired_label_maps": [_file(row) for _, row in label_maps],
        "label_sources": dict(Counter(source for source, _ in label_maps)),
        "samples": [[_file(image), _file(annotation)] for image, annotation in samples],
    }


def _file(row: Any) -> str:
    return f"data/{row.sha256}"


def _files(manifest: dict[str, Any]) -> Iterator[str]:
    for pair in (*manifest["pairs"], *manifest["samples"]):
        yield from pair
    yield from manifest["unpaired_photos"]
    yield from manifest["unpaired_label_maps"]
