"""A server with rows in many tables, and its backups."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from migrations import upgrade
from store.blobs import open_blobs
from store.database import Database
from store.settings import Settings
from tests.worker.factories import Pools
from worker.attempt import Tools
from worker.cache.networks import Networks


@pytest.fixture
def opened() -> Iterator[Callable[[Settings], Pools]]:
    """Opens the server of settings, which is migrated if it is new."""
    with ExitStack() as stack:

        def open_server(settings: Settings) -> Pools:
            upgrade(settings.database)
            database, blobs = Database(settings.database), open_blobs(settings.blobs)
            stack.callback(database.close)
            return Pools(Tools(settings, database, blobs, Networks(settings, database, blobs)))

        yield open_server


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """The server that is backed up, on each kind of database."""
    return Settings(data_dir=tmp_path / "data", database_url=database_url, device="cpu", lease_s=20)
