"""A whole pool moves from one server to another."""

import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from fewpairs import Client
from store import archives
from store.question import Question
from tests.moved import Server, full_pool, server


@pytest.fixture(params=[("", "postgresql"), ("postgresql", "")], ids=["to postgresql", "to sqlite"])
def servers(
    request: pytest.FixtureRequest, tmp_path: Path, encoder_cache: Path
) -> Iterator[tuple[Server, Server, Client]]:
    """Two servers, one on SQLite and one on PostgreSQL, and a client of the second."""
    urls = [request.getfixturevalue("postgres_url") if kind else "" for kind in request.param]
    with (
        server(tmp_path / "here", urls[0], encoder_cache) as (here, _),
        server(tmp_path / "there", urls[1], encoder_cache) as (there, client),
    ):
        yield here, there, client


def rows(server: Server, pool_id: uuid.UUID) -> list[tuple[str, dict[str, Any]]]:
    with server.tools.database.read() as session:
        return [(record.table.__tablename__, record.row) for record in archives.records(session, pool_id)]


def test_a_pool_moves_with_everything(servers: tuple[Server, Server, Client], tmp_path: Path) -> None:
    """Every row of every table that moves is the same on the other server, under the same id, and every file
    that it names is there. There, the selection's receipt gives the same picks and the model the same scores.
    """
    here, there, client = servers
    pool_id, selection, model_id = full_pool(here, tmp_path)
    metrics = here.metrics(pool_id, model_id)
    archive = here.packed(pool_id, tmp_path / "pool.zip")

    assert client.import_pool(archive).id == str(pool_id)

    before, after = rows(here, pool_id), rows(there, pool_id)
    assert {name for name, _ in before} == {table.__tablename__ for table in archives.MOVED}
    arrived = [row for name, row in after if name == "events" and row["action"] == "imported"]
    assert len(arrived) == 1
    assert [row for row in after if row != ("events", arrived[0])] == before
    with zipfile.ZipFile(archive) as zip:
        digests = [name.removeprefix(archives.BLOBS) for name in zip.namelist() if name != archives.RECORDS]
        for digest in digests:
            with there.tools.blobs.open(digest) as blob:
                assert blob.read() == zip.read(archives.BLOBS + digest)
    question = {field.name: selection["receipt"][field.name] for field in fields(Question)}
    receipt = selection["receipt"] | {"picks": selection["picks"]}
    replayed = there.done(pool_id, "replay", {"question": question, "receipt": receipt})
    assert replayed["same"]
    assert replayed["selection"] | {"id": selection["id"]} == selection
    assert there.metrics(pool_id, model_id) == metrics
