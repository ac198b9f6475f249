"""One embedded service, started by `fewpairs up`, for all tests of this room."""

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from fewpairs import Client, FewpairsError, Model, Pool
from fewpairs.cli import app
from tests import drawings
from tests.processes import answers, free_port, processes, until

Run = Callable[..., Result]

numbers = itertools.count()
TINY: dict[str, Any] = {"total_steps": 4, "channels": 4, "blocks": 1, "log_every": 1, "checkpoint_every": 4}


def up_command(data: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "fewpairs", "up", "--data", str(data), "--port", str(port)]


UP_ENVIRONMENT = {"FEWPAIRS_ENCODER": "efficientnet_lite0", "FEWPAIRS_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@contextmanager
def running(data: Path) -> Iterator[str]:
    """The address of an embedded service, while it runs."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with processes([(up_command(data, port), UP_ENVIRONMENT)], data / "up") as [process]:
        until(lambda: answers(f"{address}/readyz") or process.poll() is not None, "the service is ready")
        yield address


@pytest.fixture(scope="session")
def server(data_folder: Path) -> Iterator[str]:
    with running(data_folder) as address:
        yield address


@pytest.fixture
def client(server: str) -> Iterator[Client]:
    with Client(server) as client:
        yield client


@pytest.fixture
def pool(client: Client) -> Pool:
    return client.create_pool(f"pool {next(numbers)}", classes=drawings.CLASS_TABLE)


@pytest.fixture(scope="session")
def trained(server: str, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model of four steps, with two annotated test photos in its pool."""
    folder = tmp_path_factory.mktemp("trained")
    drawings.write(folder / "train", range(6))
    drawings.write(folder / "test", range(100, 102))
    pool = Client(server).create_pool("trained", classes=drawings.CLASS_TABLE)
    pool.upload(folder / "train" / "images")
    pool.upload(folder / "test" / "images", split="test")
    pool.annotate([folder / "train" / "labels", folder / "test" / "labels"])
    return pool.train("hybrid", recipe="tiny", **TINY, sample_every=2).wait(timeout=120).model


@pytest.fixture
def run(server: str, pool: Pool) -> Run:
    """Runs `fewpairs …` on the service and the test's own pool."""

    def run(*words: object) -> Result:
        environment = {"FEWPAIRS_SERVER": server, "FEWPAIRS_POOL": pool.name}
        return CliRunner().invoke(app, [str(word) for word in words], env=environment)

    return run


@pytest.fixture
def as_user(server: str, pool: Pool) -> Run:
    """As `run`, for a user of this name who annotates in the pool: `as_user("ana", "assign")`."""

    def run(name: str, *words: object) -> Result:
        client = Client(server)
        with suppress(FewpairsError):  # another test has made the user
            client.create_user(name)
        pool.share(name, "annotator")
        key = client.create_key("test", user=name)["key"]
        environment = {"FEWPAIRS_SERVER": server, "FEWPAIRS_POOL": pool.name, "FEWPAIRS_API_KEY": key}
        return CliRunner().invoke(app, [str(word) for word in words], env=environment)

    return run


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of eight drawings: images/ and labels/."""
    drawings.write(tmp_path / "drawn", range(8))
    return tmp_path / "drawn"


def ended_process(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
