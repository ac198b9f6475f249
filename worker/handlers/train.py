"""Train jobs: let a supervised subprocess train in a run directory, and keep its model."""

import json
import shutil
import sys
from typing import Any

from sqlalchemy.orm import Session

from models.training.run_directory import RunDirectory
from store import blobs, models, photo_features
from store.settings import Settings
from store.tables import Model, new_id
from worker.attempt import Attempt
from worker.cache.networks import encoder_cache, supplied_weights
from worker.outcomes import Cancelled, Outcome
from worker.training.features import bring_features, new_features
from worker.training.prepare import bring_start, prepare
from worker.training.supervisor import supervise


def train(attempt: Attempt) -> Outcome:
    settings = attempt.tools.settings
    run = RunDirectory(settings.runs_dir / str(attempt.claim.job_id))
    try:
        if not run.result.exists():
            prepare(attempt, run)
            bring_features(attempt, run)
            bring_start(attempt, run)
            supervise(attempt, run, _command(run, settings))
        outcome = _keep(attempt, run)
    except Cancelled:
        _drop_what_nobody_needs(run)
        raise
    _drop_what_nobody_needs(run)
    return outcome


def _command(run: RunDirectory, settings: Settings) -> list[str]:
    weights = supplied_weights(settings, run.spec().encoder)
    arguments = [
        run.path,
        settings.device,
        settings.lease_s,
        encoder_cache(settings),
        *filter(None, [weights]),
    ]
    return [sys.executable, "-m", "worker.training.process", *map(str, arguments)]


def _keep(attempt: Attempt, run: RunDirectory) -> Outcome:
    claim = attempt.claim
    files = {path.name: blobs.put_file(attempt.tools.blobs, path) for path in sorted(run.model.iterdir())}
    manifest = run.manifest()
    result = json.loads(run.result.read_text(encoding="utf-8"))
    missing_classes = claim.spec.get("missing_classes")
    steps = int(result["steps"])
    receipt: dict[str, Any] = {
        "steps": steps,
        "start_from": claim.spec.get("start_from"),
        "pairs": claim.spec["pairs"] if manifest.files.pairs else [],
        "unpaired_photos": len(manifest.files.unpaired_photos),
        "unpaired_label_maps": manifest.label_sources,
        "watched": len(manifest.validation.items) if manifest.validation else 0,
        "missing_classes": missing_classes,
        "losses": result["losses"],
        "notes": result["notes"],
    }
    model = Model(
        id=new_id(),
        pool_id=claim.pool_id,
        job_id=claim.job_id,
        method=claim.spec["method"],
        spec=run.spec().to_json(),
        receipt=receipt,
    )
    features = new_features(attempt, run)

    def save(session: Session) -> None:
        models.add(session, model, files)
        attempt.tools.blobs.require(*(row.sha256 for row in features))
        photo_features.add(session, features)

    document = {"model_id": str(model.id), "missing_classes": missing_classes, "steps": steps}
    return Outcome(document, save, lambda: shutil.rmtree(run.model, ignore_errors=True), steps)


def _drop_what_nobody_needs(run: RunDirectory) -> None:
    """Delete the photos, their features and the checkpoint of an ended training; its log, metrics and samples
    stay. Its model is a second copy once the job's result is written.
    """
    for folder in (run.path / "data", run.features, run.start):
        shutil.rmtree(folder, ignore_errors=True)
    run.checkpoint.unlink(missing_ok=True)
