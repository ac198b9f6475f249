"""Readiness and metrics."""

import resource
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from sqlalchemy import QueuePool, text

from migrations import upgrade
from service import readiness
from store import database
from store.database import KEPT_BY_SQLITE, KEPT_CONNECTIONS, MOST_THREADS, Database
from store.settings import Settings
from tests.access import KEY, WITH_KEY
from tests.processes import answers, free_port, processes, until
from tests.service.serving import Client, serve
from tests.service.steps import new_pool, photo, slug


def test_readiness_reports_a_dead_broker_and_stays_ready(tmp_path: Path) -> None:
    """Uploads are accepted without a broker; jobs wait, and readyz says so."""
    settings = Settings(data_dir=tmp_path, broker_url=f"redis://127.0.0.1:{free_port()}/0")
    with serve(settings) as client:
        pool_id = new_pool(client)
        assert client.put(f"/pools/{pool_id}/images/a.jpg", content=photo()).status_code == 201
        ready = client.get("/readyz")
    assert ready.status_code == 200
    assert (ready.json()["database"], ready.json()["blobs"]) == ("ok", "ok")
    assert "does not answer" in ready.json()["broker"]


def test_readiness_ends_with_the_schema(tmp_path: Path) -> None:
    """If another version migrates the database further, the service is not ready, but alive."""
    settings = Settings(data_dir=tmp_path, broker_url="memory://")
    with serve(settings) as client:
        with client.service.database.write() as session:
            session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
            session.connection().exec_driver_sql("UPDATE installation SET floor = '9999'")
        until(lambda: client.get("/readyz").status_code == 503, "the schema is noticed")
        assert client.get("/healthz").status_code == 200


def test_a_deleted_database_is_noticed(tmp_path: Path) -> None:
    """Nothing is answered with 2xx that goes to a file which nobody can find again; with the file back, the
    service is ready again, by itself.
    """
    settings = Settings(data_dir=tmp_path, broker_url="memory://")
    with serve(settings) as client:
        new_pool(client)
        file = tmp_path / "fewpairs.db"
        away = file.rename(tmp_path / "away")
        assert client.post("/pools", json={"name": "lost", "class_table": "rgb"}).status_code == 503
        until(lambda: client.get("/readyz").status_code == 503, "the deleted file is noticed")
        found = client.get("/readyz").json()
        assert f"the file {file} is not there" in found["database"]
        assert (found["blobs"], found["broker"]) == ("ok", "ok")
        assert not file.exists()
        away.rename(file)
        until(lambda: client.get("/readyz").status_code == 200, "the file is back")


def test_a_full_disk_of_the_database_is_noticed(tmp_path: Path) -> None:
    """It is reported as what it is, although the blobs, with space left, can still be written."""
    settings = Settings(data_dir=tmp_path)
    upgrade(settings.database)
    port = free_port()
    environment = {
        "FEWPAIRS_DATA_DIR": str(tmp_path),
        "FEWPAIRS_PORT": str(port),
        "FEWPAIRS_BROKER_URL": "memory://",
    }
    address = f"http://127.0.0.1:{port}/readyz"
    with processes([([sys.executable, "-m", "service"], environment)], tmp_path / "logs") as [process]:
        until(lambda: answers(address), "the service ready")
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        until(lambda: not answers(address), "the full disk is noticed")
        found = httpx.get(address, headers=WITH_KEY).json()
        assert (found["database"], found["blobs"]) == ("its disk is full", "ok")
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        until(lambda: answers(address), "there is space again")


def test_readiness_waits_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the database hangs, readyz answers and says so; so do the blobs and the broker, each alone."""
    monkeypatch.setattr(readiness, "SILENT_S", 0.2)
    settings = Settings(data_dir=tmp_path, broker_url="memory://")
    go_on = threading.Event()
    monkeypatch.setattr(Database, "prove_writable", lambda database: go_on.wait())
    with serve(settings) as client:
        until(lambda: "has not answered for" in client.get("/readyz").json()["database"], "silence")
        found = client.get("/readyz")
        assert (found.status_code, found.json()["blobs"], found.json()["broker"]) == (503, "ok", "ok")
        go_on.set()
        until(lambda: client.get("/readyz").status_code == 200, "the database answers again")


def test_metrics_count_requests_by_route_and_jobs_by_state(client: Client) -> None:
    """Prometheus sees routes, not addresses, and the jobs in the database."""
    pool_id = new_pool(client)
    client.put(f"/pools/{pool_id}/images/a.jpg", content=photo())
    text = client.get("/metrics").text
    assert 'fewpairs_requests_total{method="PUT",route="/pools/{pool_id}/images/{name}",status="201"}' in text
    assert 'fewpairs_jobs{kind="embed",state="queued"}' in text
    assert 'fewpairs_request_seconds_bucket{le="0.1",method="POST",route="/pools"}' in text
    assert pool_id not in text


def test_a_database_without_a_free_connection_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While all connections are taken, a request is told when to come again; then it is answered."""
    monkeypatch.setattr(database, "KEPT_BY_SQLITE", 1)
    monkeypatch.setattr(database, "POOL", {"max_overflow": 0, "pool_timeout": 0.1})
    with serve(Settings(data_dir=tmp_path, broker_url="memory://")) as client:
        with client.service.database.read() as session:
            session.execute(text("SELECT 1"))
            answer = client.get("/pools")
        assert (answer.status_code, slug(answer)) == (503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert client.get("/pools").status_code == 200


def test_each_thread_finds_a_connection(client: Client) -> None:
    """All that answer and all that decode may read at the same moment."""
    with ExitStack() as reading:
        for _ in range(MOST_THREADS):
            session = reading.enter_context(client.service.database.read())
            session.execute(text("SELECT 1"))


def test_few_connections_to_sqlite_stay_open(client: Client) -> None:
    """Each keeps memory, so what a busy moment opened is closed after it."""
    engine = client.service.database.engine
    with ExitStack() as used:
        for _ in range(2 * KEPT_CONNECTIONS):
            used.enter_context(engine.connect())
    assert isinstance(engine.pool, QueuePool)
    assert 0 < engine.pool.checkedin() <= KEPT_BY_SQLITE < KEPT_CONNECTIONS


def test_settings_are_told_without_secrets_and_paths(tmp_path: Path) -> None:
    """Numbers, switches and names are in the answer; keys, addresses and paths are not."""
    metrics_key = "key-of-metrics-0123456789abcdef-0123456789"
    settings = Settings(data_dir=tmp_path, broker_url="memory://", metrics_key=metrics_key)
    with serve(settings) as client:
        answer = client.get("/settings")
    told = {item["variable"]: item["value"] for item in answer.json()["items"]}
    assert told["FEWPAIRS_MAX_IMAGE_BYTES"] == settings.max_image_bytes
    assert told["FEWPAIRS_ENCODER"] == settings.encoder
    for secret in (KEY, metrics_key, str(tmp_path), "memory://"):
        assert secret not in answer.text
