"""One attempt at one job, from claim to end. `docs/architecture.md` says what may happen in between."""

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy.orm import Session

from models.stopping import stopped_by
from store import holders, jobs, lines, references
from store.actors import Actor, acting
from store.blobs import BlobDamaged, BlobMissing
from worker.attempt import Attempt, Tools
from worker.handlers.delete import delete
from worker.handlers.deliver import deliver
from worker.handlers.doctor import doctor
from worker.handlers.embed import embed
from worker.handlers.evaluate import evaluate
from worker.handlers.explain import explain
from worker.handlers.export import export
from worker.handlers.import_annotations import import_annotations
from worker.handlers.pack import pack
from worker.handlers.project import project
from worker.handlers.replay import replay
from worker.handlers.scenes import scenes
from worker.handlers.search import search
from worker.handlers.select import select
from worker.handlers.suggest import suggest
from worker.handlers.train import train
from worker.handlers.translate import translate
from worker.lease import Lease
from worker.outcomes import Cancelled, Mishap, Outcome, Permanent, Problem, ShutDown
from worker.turns import Turns

log = structlog.get_logger()

HANDLERS: dict[str, Callable[[Attempt], Outcome]] = {
    "import": import_annotations,
    **{
        handler.__name__: handler
        for handler in (
            delete,
            deliver,
            doctor,
            embed,
            evaluate,
            explain,
            export,
            pack,
            project,
            replay,
            scenes,
            search,
            select,
            suggest,
            train,
            translate,
        )
    },
}


def run_next(rung_for: uuid.UUID, tools: Tools, shutdown: threading.Event, turns: Turns) -> None:
    """Run the job whose turn it is in the queue of the one that was rung for.

    There is a ring for each job, so each has its turn.
    """
    claimed_at = time.monotonic()
    with tools.database.write() as session:
        for first in turns.in_order(lines.firsts(session, rung_for)):
            if claim := _claimed(session, first.job_id, tools):
                turns.give(first)
                break
        else:
            log.debug("job.none_queued", rung_for=str(rung_for))
            return
    _run(claim, claimed_at, tools, shutdown)


def run(job_id: uuid.UUID, tools: Tools, shutdown: threading.Event) -> None:
    """Claim a job and run it. A job that is not queued is left alone."""
    claimed_at = time.monotonic()
    with tools.database.write() as session:
        claim = _claimed(session, job_id, tools)
    if claim:
        _run(claim, claimed_at, tools, shutdown)


def _claimed(session: Session, job_id: uuid.UUID, tools: Tools) -> jobs.Claim | None:
    worker = f"{socket.gethostname()}:{os.getpid()}"
    return jobs.claim(session, job_id, worker=worker, lease_s=tools.settings.lease_s)


def _run(claim: jobs.Claim, claimed_at: float, tools: Tools, shutdown: threading.Event) -> None:
    lease_s = tools.settings.lease_s
    about = {"job": str(claim.job_id), "kind": claim.kind, "attempt": claim.attempt}
    with structlog.contextvars.bound_contextvars(**about):
        log.info("job.started")
        lease = Lease(tools.database, claim, lease_s=lease_s, since=claimed_at, shutdown=shutdown)
        try:
            with acting(Actor(claim.principal_id)), lease:
                _see_through(Attempt(claim, tools, lease))
        except jobs.LeaseLost as lost:
            log.warning("job.lost", reason=str(lost))
        except Exception:
            # The end could not be written: the lease will run out, and the sweep queues the job again.
            log.exception("job.abandoned")


def _see_through(attempt: Attempt) -> None:
    """Run the handler, and record how the attempt ended, with its fencing token. Raises LeaseLost."""
    claim = attempt.claim
    try:
        with stopped_by(attempt.lease.check):
            outcome = HANDLERS[claim.kind](attempt)
        with attempt.tools.database.write() as session:
            jobs.succeed(session, claim, outcome.result, outcome.done)
            outcome.save(session)
            session.flush()
            attempt.tools.blobs.require(*references.of_rows(session), *references.of_result(outcome.result))
        log.info("job.succeeded")
        outcome.afterwards()
    except jobs.LeaseLost:
        raise
    except Cancelled:
        _end(attempt, jobs.stopped, "job.cancelled")
    except ShutDown:
        _end(attempt, jobs.give_back, "job.given_back")
    except Permanent as problem:
        _end(attempt, jobs.fail, "job.failed", problem)
    except Mishap as problem:
        _end(attempt, jobs.retry, "job.interrupted", problem)
    except BlobMissing as missing:
        detail = (
            f"{missing} Give this worker the FEWPAIRS_DATA_DIR and FEWPAIRS_BLOB_URL that the service has."
        )
        _end(attempt, jobs.retry, "job.interrupted", Mishap("blob-missing", detail))
    except BlobDamaged as damaged:
        with attempt.tools.database.read() as session:
            detail = holders.about_damage(session, damaged.sha256)
        _end(attempt, jobs.fail, "job.failed", Permanent("blob-damaged", detail))
    except Exception as error:
        log.exception("job.unexpected_error")
        detail = f"The worker met an unexpected {error.__class__.__name__}: {error}"
        _end(attempt, jobs.retry, "job.interrupted", Mishap("internal-error", detail))


def _end(attempt: Attempt, write: Callable[..., None], event: str, problem: Problem | None = None) -> None:
    error: dict[str, Any] = {"type": problem.type, "detail": problem.detail} if problem else {}
    if isinstance(problem, Mishap):
        error["wait_s"] = problem.wait_s
    with attempt.tools.database.write() as session:
        write(session, attempt.claim, **error)
    (log.warning if problem else log.info)(event, **error)
