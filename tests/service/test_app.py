"""The process: what it loads, and how it starts and stops."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from migrations import upgrade
from service.pages import routes
from store.database import Database, SchemaMismatch
from store.settings import Settings
from tests.access import WITH_KEY
from tests.conftest import NO_BROKER
from tests.processes import answers, free_port, processes, until
from tests.service.serving import serve
from tests.service.steps import photo


def test_importing_the_app_loads_no_numerics() -> None:
    """The app loads neither torch, numpy nor faiss, nothing of the worker, and of models only what needs the
    standard library, or Pillow, alone.
    """
    program = "import sys, service.app; print(*sys.modules)"
    loaded = set(subprocess.check_output([sys.executable, "-c", program], text=True).split())
    assert not loaded & {"torch", "numpy", "faiss", "onnxruntime", "worker"}
    of_models = {name for name in loaded if name.startswith("models.") and "catalog" not in name}
    assert of_models == {"models.advice", "models.measured", "models.images", "models.images.seen"}


def test_an_older_schema_is_refused(tmp_path: Path) -> None:
    """The service does not start on a database that is not migrated, and says what to do."""
    database = Database(Settings(data_dir=tmp_path).database)
    with pytest.raises(SchemaMismatch, match="fewpairs migrate"):
        database.require_schema()
    upgrade(database.url)
    database.require_schema()
    database.close()


def test_a_stream_ends_when_the_server_stops(tmp_path: Path) -> None:
    """A client that follows a job does not delay the server's end, and its log has no traceback."""
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
        httpx.Client(base_url=address, headers=WITH_KEY, timeout=30) as http,
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


def test_a_file_of_pages_that_are_not_built_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may ask for it, and learns nothing more. The page itself says how the pages are built."""
    monkeypatch.setattr(routes, "BUILT", tmp_path / "none")
    with serve(Settings(data_dir=tmp_path, broker_url=NO_BROKER)) as client:
        answer = client.get("/")
        assert (answer.status_code, "make pages" in answer.text) == (503, True)
        assert client.get("/app").status_code == 503
        assert client.get("/assets/index.js").status_code == 404
