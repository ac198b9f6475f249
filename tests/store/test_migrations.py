"""Migrations of a database to the newest schema."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, NullPool, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

import migrations
from store.blobs import LocalBlobs, put
from store.database import Database


def engine_of(url: str) -> Engine:
    return create_engine(url, poolclass=NullPool)


def test_a_migration_that_fails_changes_nothing(empty_database_url: str) -> None:
    """If a statement fails, no table of the migration remains, and a later try applies all of it."""
    engine = engine_of(empty_database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE evaluation_images (id INTEGER)"))
    with pytest.raises(DBAPIError):
        migrations.upgrade(empty_database_url)
    assert inspect(engine).get_table_names() == ["evaluation_images"]
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE evaluation_images"))
    migrations.upgrade(empty_database_url)
    database = Database(empty_database_url)
    database.require_schema()
    database.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_of_another_version_stays_as_it_is(database_url: str) -> None:
    """The command fails and gives the reason in one sentence; the recorded schema does not change."""
    engine = engine_of(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    done = subprocess.run(
        [sys.executable, "-m", "migrations"],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"FEWPAIRS_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("The database was made by another version of Fewpairs")
    assert "9999" in done.stderr
    assert "Traceback" not in done.stderr
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


def test_blobs_without_a_database_are_not_given_an_empty_one(tmp_path: Path) -> None:
    """Whoever lost the database file is told so, and no new one is made; to begin anew is a choice."""

    def migrate() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "migrations"],
            cwd=Path(__file__).parents[2],
            env=os.environ | {"FEWPAIRS_DATA_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    blobs = LocalBlobs(tmp_path / "blobs")
    blob = put(blobs, [b"photo"])
    refused = migrate()
    assert refused.returncode == 1
    assert f"{blobs.root} holds the photos and models of another one" in refused.stderr
    assert not (tmp_path / "fewpairs.db").exists()
    blobs.remove(blob.sha256)
    assert migrate().returncode == 0
    put(blobs, [b"photo"])
    assert migrate().returncode == 0
