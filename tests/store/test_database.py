"""Databases: transactions, clocks, schemas, on SQLite and on PostgreSQL."""

import multiprocessing
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

import migrations
from store import database as database_module
from store import jobs, pools
from store.clock import from_now
from store.database import Database, SchemaMismatch, journal_mode
from store.settings import Settings
from store.tables import SCHEMA, Base, Pool, new_id


def test_a_block_commits_whole_or_not_at_all(database: Database) -> None:
    """An error inside `write` leaves nothing of it, and a `read` never writes."""

    def fail_halfway() -> None:
        with database.write() as session:
            pools.create(session, name="lost", class_table=None, encoder="resnet50")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    with database.read() as session:
        pools.create(session, name="never", class_table=None, encoder="resnet50")
    with database.write() as session:
        pools.create(session, name="kept", class_table=None, encoder="resnet50")
    with database.read() as session:
        assert session.scalars(select(Pool.name)).all() == ["kept"]


def test_no_update_is_lost(database: Database) -> None:
    """If many threads read, add one and write back at the same time, every addition counts."""
    with database.write() as session:
        pool = pools.create(session, name="counter", class_table={"n": 0}, encoder="resnet50")

    def add_one(_: int) -> None:
        with database.write() as session:
            pools.lock(session, pool.id)
            table = session.scalar(select(Pool.class_table).where(Pool.id == pool.id))
            assert table
            session.execute(update(Pool).where(Pool.id == pool.id).values(class_table={"n": table["n"] + 1}))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add_one, range(100)))
    with database.read() as session:
        assert session.scalar(select(Pool.class_table)) == {"n": 100}


def test_foreign_keys_and_states_are_enforced(database: Database) -> None:
    """The database itself refuses a job of a pool that does not exist, and an unknown state."""
    with database.write() as session:
        pool = pools.create(session, name="p", class_table=None, encoder="resnet50")

    def add(pool_id: uuid.UUID, state: str) -> None:
        with database.write() as session:
            job = jobs.create(session, Settings(), kind="train", pool_id=pool_id, spec={})
            job.state = state

    add(pool.id, "queued")
    for pool_id, state in ((new_id(), "queued"), (pool.id, "asleep")):
        with pytest.raises(IntegrityError):
            add(pool_id, state)


def test_the_databases_clock_is_utc_and_adds_seconds(database: Database) -> None:
    """`from_now(0)` is the present moment within a minute, and `from_now(90.5)` is 90.5 s later."""
    with database.read() as session:
        now, later = session.execute(select(from_now(0), from_now(90.5))).one()
    assert abs(datetime.now(UTC) - now) < timedelta(minutes=1)
    assert timedelta(seconds=90.4) < later - now < timedelta(seconds=90.6)


def test_times_are_kept_in_utc_and_compare_in_the_database(database: Database) -> None:
    """A moment given in another zone is read as the same moment, and is compared as that moment."""
    moment = datetime.now(UTC) - timedelta(hours=1)
    elsewhere = moment.astimezone(tz=ZoneInfo("Asia/Tokyo"))
    with database.write() as session:
        pool = pools.create(session, name="p", class_table=None, encoder="resnet50")
        pool.created_at = elsewhere
    with database.read() as session:
        assert session.scalar(select(Pool.created_at)) == moment
        earlier = select(func.count()).select_from(Pool).where(Pool.created_at < from_now(0))
        assert session.scalar(earlier) == 1


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ((3, 40, 1), "DELETE"),
        ((3, 44, 5), "DELETE"),
        ((3, 44, 6), "WAL"),
        ((3, 45, 0), "DELETE"),
        ((3, 50, 6), "DELETE"),
        ((3, 50, 7), "WAL"),
        ((3, 51, 2), "DELETE"),
        ((3, 51, 3), "WAL"),
        ((4, 0, 0), "WAL"),
    ],
)
def test_wal_only_where_it_is_sound(version: tuple[int, int, int], mode: str) -> None:
    """Builds whose WAL reset can corrupt the file use the rollback journal."""
    assert journal_mode(version) == mode


def test_no_lock_is_waited_for_long(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who finds a row or the database locked learns so after a while, even if it stays locked."""
    monkeypatch.setattr(database_module, "LONGEST_WAIT_S", 0.1)
    holder, other = Database(database_url), Database(database_url)
    with holder.write() as session:
        pool = pools.create(session, name="locked", class_table=None, encoder="resnet50")
    with holder.write() as session:
        pools.lock(session, pool.id)
        with pytest.raises(OperationalError, match="lock"), other.write() as too_late:
            pools.lock(too_late, pool.id)
    holder.close()
    other.close()


def test_nobody_is_alone_while_another_writes(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the beginning of a `write`, also before its first statement: no blob leaves that it has found."""
    monkeypatch.setattr(database_module, "LONGEST_WAIT_S", 0.1)
    holder, other = Database(database_url), Database(database_url)
    with holder.write(), pytest.raises(OperationalError, match="lock"), other.alone():
        pass
    with holder.alone(), pytest.raises(OperationalError, match="lock"), other.write():
        pass
    holder.close()
    other.close()


def test_a_statement_that_takes_too_long_is_ended(postgres_url: str) -> None:
    """PostgreSQL ends it, so that no request holds a thread and a connection for ever."""
    database = Database(postgres_url, longest_statement_s=0.1)
    with pytest.raises(OperationalError, match="statement timeout"), database.read() as session:
        session.execute(text("SELECT pg_sleep(600)"))
    database.close()


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's locks do not hold there, so the database is not opened, and the message says what to set."""
    monkeypatch.setattr(database_module, "NETWORK_FILE_SYSTEMS", {kind_of_file_system(tmp_path)})
    with pytest.raises(RuntimeError, match="FEWPAIRS_DATABASE_URL"):
        Database(f"sqlite:///{tmp_path}/fewpairs.db")


def kind_of_file_system(path: Path) -> str:
    return subprocess.check_output(["findmnt", "-no", "FSTYPE", "-T", path], text=True).strip()


def test_the_schema_constant_is_the_newest_migration() -> None:
    """The revision that the tables need is the one that the migrations lead to."""
    assert ScriptDirectory.from_config(migrations.config("")).get_current_head() == SCHEMA


def test_an_unmigrated_database_is_refused(empty_database_url: str) -> None:
    """`require_schema` raises before the first migration, and for a schema of another version."""
    database = Database(empty_database_url)
    with pytest.raises(SchemaMismatch, match="There are no tables of Fewpairs at "):
        database.require_schema()
    migrations.upgrade(empty_database_url)
    database.require_schema()
    with database.write() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(SchemaMismatch, match=r"at schema 0001, .* run `fewpairs migrate`"):
        database.require_schema()
    with database.write() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        session.connection().exec_driver_sql("UPDATE installation SET floor = '9999'")
    with pytest.raises(SchemaMismatch, match="9999"):
        database.require_schema()
    database.close()


def test_migrating_from_many_processes_at_once(empty_database_url: str) -> None:
    """Every process that starts may migrate: all succeed, and the schema is the newest."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as processes:
        processes.map(migrations.upgrade, [empty_database_url] * 4)
    database = Database(empty_database_url)
    database.require_schema()
    database.close()


def test_a_migrated_database_is_what_the_tables_say(database: Database) -> None:
    """Alembic finds no difference between the migrations' result and the tables."""
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
