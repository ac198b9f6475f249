"""Readiness and metrics."""

from pathlib import Path

import pytest
from sqlalchemy import text

from store import database
from store.settings import Settings
from tests.processes import free_port
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
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200


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
    monkeypatch.setattr(database, "POOL", {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.1})
    with serve(Settings(data_dir=tmp_path, broker_url="memory://")) as client:
        with client.service.database.read() as session:
            session.execute(text("SELECT 1"))
            answer = client.get("/pools")
        assert (answer.status_code, slug(answer)) == (503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert client.get("/pools").status_code == 200
