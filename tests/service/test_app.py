"""The process: what it loads, how fast it answers, what it needs, what it tells an operator."""

import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from migrations import upgrade
from service.app import create_app
from service.http import problems
from store.database import Database, SchemaMismatch
from store.settings import Settings
from tests.processes import answers, free_port, processes, until
from tests.service.serving import Client, serve
from tests.service.steps import new_pool, photo, slug


def test_importing_the_app_loads_no_numerics() -> None:
    """Neither torch, numpy nor faiss is loaded, nor anything else of the models' and the worker's rooms."""
    heavy = "{'torch', 'numpy', 'faiss', 'onnxruntime', 'models', 'worker'}"
    program = f"import sys, service.app; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"


def test_the_process_answers_within_two_seconds(tmp_path: Path) -> None:
    """From starting `python -m service` to its first answer it works for less than two seconds.

    The processor's seconds are counted, not the wall's, since tests share the machine.
    """
    upgrade(Settings(data_dir=tmp_path).database)
    port = free_port()
    environment = {"FEWPAIRS_DATA_DIR": str(tmp_path), "FEWPAIRS_PORT": str(port)}
    with processes([([sys.executable, "-m", "service"], environment)], tmp_path / "logs") as [process]:
        until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "an answer")
        work = psutil.Process(process.pid).cpu_times()
    assert work.user + work.system < 2


def test_an_older_schema_is_refused(tmp_path: Path) -> None:
    """The service does not start on a database that was not migrated, and says what to do."""
    database = Database(Settings(data_dir=tmp_path).database)
    with pytest.raises(SchemaMismatch, match="fewpairs migrate"):
        database.require_schema()
    upgrade(database.url)
    database.require_schema()
    database.close()


def test_readiness_reports_a_dead_broker_and_stays_ready(tmp_path: Path) -> None:
    """Uploads are taken without a broker: jobs wait for their bell, and readyz says so."""
    settings = Settings(data_dir=tmp_path, broker_url=f"redis://127.0.0.1:{free_port()}/0")
    with serve(settings) as client:
        pool_id = new_pool(client)
        assert client.put(f"/pools/{pool_id}/images/a.jpg", content=photo()).status_code == 201
        ready = client.get("/readyz")
    assert ready.status_code == 200
    assert (ready.json()["database"], ready.json()["blobs"]) == ("ok", "ok")
    assert "does not answer" in ready.json()["broker"]


def test_readiness_ends_with_the_schema(tmp_path: Path) -> None:
    """A database that another version migrated further makes the service unready, not dead."""
    settings = Settings(data_dir=tmp_path, broker_url="memory://")
    with serve(settings) as client:
        with client.service.database.write() as session:
            session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200


def test_metrics_count_requests_by_route_and_jobs_by_state(client: Client) -> None:
    """Prometheus sees routes, not addresses, and the jobs that the database holds."""
    pool_id = new_pool(client)
    client.put(f"/pools/{pool_id}/images/a.jpg", content=photo())
    text = client.get("/metrics").text
    assert 'fewpairs_requests_total{method="PUT",route="/pools/{pool_id}/images/{name}",status="201"}' in text
    assert 'fewpairs_jobs{kind="embed",state="queued"}' in text
    assert 'fewpairs_request_seconds_bucket{le="0.1",method="POST",route="/pools"}' in text
    assert pool_id not in text


def test_every_answer_has_a_request_id_and_is_not_sniffed(client: Client) -> None:
    """A given id comes back, so that logs of two systems can be joined; an unfit one is replaced."""
    assert client.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    answer = client.get("/nowhere", headers={"X-Request-ID": "a b"})
    assert len(answer.headers["x-request-id"]) == 32
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_nobody_foresaw_is_logged_and_answered_under_its_request_id(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer has the headers of every answer, and its id finds the one log line with the traceback."""
    monkeypatch.setattr(client.service, "doorbell", None)
    with capture_logs([merge_contextvars]) as lines:
        answer = client.get("/readyz", headers={"X-Request-ID": "abc-2"})
    assert (answer.status_code, slug(answer)) == (500, "internal-error")
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "abc-2"
    assert answer.headers["x-content-type-options"] == "nosniff"
    [line] = [line for line in lines if line["event"] == "request.failed"]
    assert line["request_id"] == "abc-2"
    assert isinstance(line["exc_info"], AttributeError)


def test_a_stream_ends_when_the_server_stops(tmp_path: Path) -> None:
    """Whoever follows a job does not hold up the server, nor is cut off with a traceback in its log."""
    upgrade(Settings(data_dir=tmp_path).database)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {
        "FEWPAIRS_DATA_DIR": str(tmp_path),
        "FEWPAIRS_PORT": str(port),
        "FEWPAIRS_BROKER_URL": "memory://",
    }
    logs = tmp_path / "logs"
    with (
        processes([([sys.executable, "-m", "service"], environment)], logs) as [process],
        httpx.Client(base_url=address, timeout=30) as http,
    ):
        until(lambda: answers(f"{address}/readyz"), "the service ready")
        pool_id = http.post("/pools", json={"name": "p", "class_table": "rgb"}).json()["id"]
        http.put(f"/pools/{pool_id}/images/a.jpg", content=photo())
        [job] = http.get("/jobs").json()["items"]
        with http.stream("GET", f"/jobs/{job['id']}/events") as stream:
            parts = stream.iter_text()
            next(parts)
            process.terminate()
            assert "".join(parts) == ""
        process.wait(30)
    assert (logs / "0.log").read_text().count("Traceback") == 0


def test_every_problem_is_explained(client: Client) -> None:
    """The `type` of each problem is an address that answers with its title."""
    listed = client.get("/problems").json()
    assert {entry["type"] for entry in listed} == {f"/problems/{slug}" for slug in problems.BY_SLUG}
    for entry in listed:
        assert client.get(entry["type"]).json() == entry


def test_the_document_describes_every_address() -> None:
    """Each operation has a tag that is described, a summary, and its errors as problem+json with slugs."""
    document = create_app(Settings()).openapi()
    described = {tag["name"] for tag in document["tags"] if tag["description"]}
    slugs = set()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert set(operation["tags"]) <= described, path
            assert operation["summary"], path
            for status, response in operation["responses"].items():
                assert response["description"], (method, path, status)
                if int(status) >= 400:
                    content = response["content"]
                    assert list(content) == ["application/problem+json"], (method, path, status)
                    slugs |= set(content["application/problem+json"]["examples"])
    assert "HTTPValidationError" not in document["components"]["schemas"]
    of_the_framework = {"method-not-allowed"}
    inside_an_upload = {"archive-unsafe-entry"}
    assert set(problems.BY_SLUG) - slugs == of_the_framework | inside_an_upload


def test_the_interactive_page_needs_no_other_server(client: Client) -> None:
    """The page and its scripts come from this service, and its Swagger UI is one that renders OpenAPI 3.1."""
    page = client.get("/docs").text
    assert client.get("/", follow_redirects=True).text == page
    assert "http://" not in page
    assert "https://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        assert f"/docs/assets/{asset}" in page
        assert client.get(f"/docs/assets/{asset}").status_code == 200
    assert client.get("/openapi.json").json()["openapi"].startswith("3.1")
    assert 'VERSION:"5.' in client.get("/docs/assets/swagger-ui-bundle.js").text
