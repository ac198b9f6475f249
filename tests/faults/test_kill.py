"""`kill -9` of every kind of process, each while images are embedded and while a model is trained.

`make storm` does it many times, at random.
"""

import shutil
import uuid
from pathlib import Path

import pytest

from tests.conftest import POSTGRESQL_FIRST
from tests.faults.cluster import Cluster
from tests.faults.ledger import Ledger, ledger_database
from tests.processes import until

STEPS = 400


def kill_while_embedding(cluster: Cluster, ledger: Ledger, kind: str) -> None:
    """Upload images, and kill a process of this kind as soon as one of their jobs runs. If the kind is a
    worker, it is the one that runs the job.
    """
    known = {job.id for job in ledger.rows("embed")}
    ledger.upload(6)

    def running() -> list[str]:
        return [
            job.worker
            for job in ledger.rows("embed")
            if job.id not in known and job.state == "running" and job.worker
        ]

    until(running, "an embed job that runs")
    if kind == "worker" and (workers := running()):
        cluster.kill_pid(int(workers[0].split(":")[1]))
    else:
        assert cluster.kill(kind)


def wait_for_progress(ledger: Ledger, training: uuid.UUID, attempt: int) -> None:
    """Return when this attempt at the training has made progress."""
    before = ledger.row(training).done

    def further() -> bool:
        job = ledger.row(training)
        return (job.state, job.attempt) == ("running", attempt) and job.done > before

    until(further, f"progress of attempt {attempt} at the training")


@POSTGRESQL_FIRST
def test_whatever_is_killed_nothing_is_lost_and_nothing_done_twice(
    tmp_path: Path, database_url: str, exported_encoder: Path, request: pytest.FixtureRequest
) -> None:
    """Everything answered with a 2xx is there in the end, and every job has succeeded with one result. The
    doctor finds no fault.
    """
    shutil.copytree(exported_encoder, tmp_path / "data" / "cache" / "encoders")
    postgres = request.getfixturevalue("postgres_server") if "postgresql" in database_url else None
    with Cluster(tmp_path, database_url, postgres=postgres, embed_chunk=4) as cluster:
        database = ledger_database(tmp_path, database_url)
        ledger = Ledger(cluster.address, database)
        for kind in ("worker", "api", "broker", "broker and all it holds"):
            kill_while_embedding(cluster, ledger, kind)
        if postgres:
            kill_while_embedding(cluster, ledger, "database")
        ledger.upload(3)
        cluster.pause_worker()
        ledger.annotate(3)
        training = ledger.train(STEPS)
        for attempt, kind in ((1, "training"), (2, "worker"), (3, "api"), (3, "broker and all it holds")):
            wait_for_progress(ledger, training, attempt)
            ledger.upload(3)
            assert ledger.row(training).state == "running", "the training ended before everything was killed"
            if kind == "worker":
                cluster.kill_pid(int(str(ledger.row(training).worker).split(":")[1]))
            else:
                assert cluster.kill(kind)
        until(ledger.all_ended, "the end of all jobs", seconds=300)

        assert ledger.lost() == []
        assert ledger.double() == []
        assert ledger.row(training).attempt == 3
        assert cluster.ended() == []
        assert cluster.doctor() == 0
        ledger.close()
        database.close()
