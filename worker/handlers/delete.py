"""Delete jobs: remove for good what was deleted, of a pool or the pool itself, and can be taken back no more.

A photo is removed in steps that can be repeated: its row in the shard, the files that were made of it, its
rows, and at last the blobs that no row names. A worker that dies leaves the rest to the next attempt.
"""

import shutil
import uuid

from filelock import FileLock

from models.training.run_directory import RunDirectory
from store import deletions, jobs, references
from store.events import Kind
from store.removal import images as removal
from store.removal import pools, results
from store.tables import Image, Job, LabelMap, Model, Pool, Selection
from worker.attempt import Attempt, job_of
from worker.outcomes import Outcome
from worker.shards import remove_from_shards


def delete(attempt: Attempt) -> Outcome:
    """The result is `{"removed", "waiting"}`. Nothing is removed while other jobs work with the pool."""
    claim, database = attempt.claim, attempt.tools.database
    with database.read() as session:
        due = deletions.due(session, claim.pool_id)
        is_busy = bool(deletions.others_at_work(session, claim.pool_id))
    removed = [] if is_busy else due
    for kind, id in attempt.each(removed):
        if kind == "image":
            _remove_image(attempt, id)
        else:
            _remove_files(attempt, kind, id)
            _remove_row(attempt, kind, id)
    _remove_blobs(attempt)
    return Outcome({"removed": len(removed), "waiting": len(due) - len(removed)})


def _remove_row(attempt: Attempt, kind: Kind, id: uuid.UUID) -> None:
    with attempt.tools.database.write() as session:
        jobs.hold(session, attempt.claim)
        match session.get(deletions.TABLES[kind], id):
            case Selection() as selection:
                results.remove_selection(session, selection)
            case Model() as model:
                results.remove_model(session, model)
            case Job() as job:
                results.remove_job(session, job)
            case LabelMap() as label_map:
                results.remove_label_map(session, label_map)
            case Pool() as pool:
                pools.remove_pool(session, pool, attempt.claim.job_id)


def _remove_files(attempt: Attempt, kind: Kind, id: uuid.UUID) -> None:
    """Remove the run directory of a job or a model's training, and what is cached of a model or a pool."""
    settings = attempt.tools.settings
    trainings, models = [id] if kind == "job" else [], [id] if kind == "model" else []
    with attempt.tools.database.read() as session:
        if kind == "model":
            model = session.get(Model, id)
            trainings += [model.job_id] if model and model.job_id else []
        if kind == "pool":
            trainings, models = pools.jobs_and_models(session, id)
            shutil.rmtree(settings.cache_dir / "vectors" / str(id), ignore_errors=True)
        exports = pools.exports(session, attempt.claim.pool_id)
    for job_id, held in exports.items():
        if id in (job_id, attempt.claim.pool_id):
            attempt.tools.blobs.drop(held)
    for job_id in trainings:
        shutil.rmtree(settings.runs_dir / str(job_id), ignore_errors=True)
        for folder in settings.cache_dir.glob(f"job-{job_id.hex}-*"):
            shutil.rmtree(folder, ignore_errors=True)
    for model_id in models:
        shutil.rmtree(settings.cache_dir / "models" / str(model_id), ignore_errors=True)


def _remove_image(attempt: Attempt, image_id: uuid.UUID) -> None:
    database, claim = attempt.tools.database, attempt.claim
    with database.read() as session:
        image = session.get(Image, image_id)
        models = removal.models_of(session, claim.pool_id)
        trainings = removal.trainings_of(session, claim.pool_id)
    if image is None:
        return
    remove_from_shards(attempt, image_id)
    drawn_by = {job_id for job_id in trainings if _is_drawn(_run(attempt, job_id), image.sha256)}
    drawn_on = {model_id for model_id, job_id in models.items() if job_id in drawn_by}
    _remove_copies(attempt, image, drawn_on)
    with database.write() as session:
        jobs.hold(session, claim)
        removal.remove_image(session, image, drawn_on, drawn_by)


def _remove_copies(attempt: Attempt, image: Image, drawn_on: set[uuid.UUID]) -> None:
    """Remove what caches and run directories of ended jobs hold of the photo."""
    cache = attempt.tools.settings.cache_dir
    vectors = cache / "vectors" / str(image.pool_id)
    if vectors.is_dir():
        with FileLock(vectors / "vectors.lock"):
            for path in vectors.iterdir():
                if path.suffix != ".lock":
                    path.unlink()
    for folder in cache.glob("job-*"):
        if (folder / image.sha256).exists() and not _is_running(attempt, job_of(folder)):
            shutil.rmtree(folder, ignore_errors=True)
    for model_id in drawn_on:
        shutil.rmtree(cache / "models" / str(model_id), ignore_errors=True)
    with attempt.tools.database.read() as session:
        trainings = removal.trainings_of(session, image.pool_id)
        exports = pools.exports(session, image.pool_id)
    for held in exports.values():
        attempt.tools.blobs.drop(held)
    for run in (_run(attempt, job_id) for job_id in trainings):
        if _names(run, image.sha256):
            for copies in (run.path / "data", run.features, run.samples, run.model):
                shutil.rmtree(copies, ignore_errors=True)
            run.checkpoint.unlink(missing_ok=True)


def _is_running(attempt: Attempt, job_id: uuid.UUID | None) -> bool:
    with attempt.tools.database.read() as session:
        job = jobs.get(session, job_id) if job_id else None
    return job is not None and job.state == "running"


def _run(attempt: Attempt, job_id: uuid.UUID) -> RunDirectory:
    return RunDirectory(attempt.tools.settings.runs_dir / str(job_id))


def _names(run: RunDirectory, sha256: str) -> bool:
    return run.manifest_file.exists() and sha256 in run.manifest_file.read_text(encoding="utf-8")


def _is_drawn(run: RunDirectory, sha256: str) -> bool:
    """Whether the sample sheet of a training shows the photo; it does for all we know if the run is gone."""
    return not run.manifest_file.exists() or sha256 in {
        path.name for pair in run.manifest().samples for path in pair
    }


def _remove_blobs(attempt: Attempt) -> None:
    is_done = False
    while not is_done:
        attempt.lease.check()
        with attempt.tools.database.alone() as session:
            jobs.hold(session, attempt.claim)
            is_done = references.remove_leaving(session, attempt.tools.blobs)
    attempt.tools.database.forget_deleted()
