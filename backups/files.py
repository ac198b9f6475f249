"""The files of a server that are no blobs: run directories of trainings that go on, and supplied encoders."""

import re
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from store.blobs import LocalBlobs, put_file
from store.references import DIGEST
from store.settings import Settings
from store.states import ENDED
from store.tables import Job

RUNS, ENCODERS = "runs", "encoders"
LEFT = re.compile(r"(lock|features/.*|model\.tmp/.*|.*\.tmp|(.*/)?(part|start)-\d+(/.*)?)")
"""What a training makes again, or is about to put in its place."""
RESULT = "result.json"


def place(settings: Settings, path: str) -> Path:
    """Where a file of a backup is on the server."""
    top, rest = path.split("/", 1)
    return (settings.runs_dir if top == RUNS else settings.encoders) / rest


def going_on(reader: Session | Connection) -> set[uuid.UUID]:
    """The trainings that have not ended."""
    return set(reader.scalars(select(Job.id).where(Job.kind == "train", Job.state.not_in(ENDED))))


def keep(settings: Settings, trainings: set[uuid.UUID], target: LocalBlobs) -> dict[str, str]:
    """Keep the bytes of these trainings' files and of the encoders. Returns their digests by their paths.

    The files of a run directory are read in the order of their names: the checkpoint before the metrics,
    which may go further than it, and the result after the model. Files that vanish are not needed any more.
    """
    found: dict[str, str] = {}
    for job_id in sorted(trainings):
        run = settings.runs_dir / str(job_id)
        has_ended = (run / RESULT).exists()
        for name in _names(run):
            if not LEFT.fullmatch(name) and (has_ended or name != RESULT):
                with suppress(FileNotFoundError):
                    found[f"{RUNS}/{job_id}/{name}"] = _keep(run / name, target)
    for name in _names(settings.encoders):
        found[f"{ENCODERS}/{name}"] = _keep(settings.encoders / name, target)
    return found


def needed(files: dict[str, str], trainings: set[uuid.UUID], blobs: set[str]) -> dict[str, str]:
    """The files without those of other trainings, and without copies of these blobs, which a training
    fetches again.
    """
    return {
        path: digest
        for path, digest in files.items()
        if not path.startswith(f"{RUNS}/")
        or (uuid.UUID(path.split("/")[1]) in trainings and Path(path).name not in blobs)
    }


def _names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def _keep(path: Path, target: LocalBlobs) -> str:
    """Keep the bytes of a file. One whose name is a digest that is there already is not read again."""
    if DIGEST.fullmatch(path.name) and target.path(path.name).exists():
        return path.name
    return put_file(target, path).sha256
