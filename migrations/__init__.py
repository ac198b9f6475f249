"""Alembic migrations, and the one way to apply them: `upgrade`, under a lock."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from filelock import FileLock
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, inspect, make_url, text

from store.database import SchemaMismatch

HERE = Path(__file__).parent
ADVISORY_LOCK = 0x6665777061697273 >> 1  # "fewpairs"


def config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["url"] = url
    return config


def engine(url: str) -> Engine:
    """An engine whose transactions include changes of tables, which sqlite3 would commit at once."""
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, poolclass=NullPool)
    engine = create_engine(url, poolclass=NullPool, connect_args={"isolation_level": None})
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def is_new(url: str) -> bool:
    """Whether the database has no tables yet."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").exists():
        return True
    with engine(url).connect() as connection:
        return not inspect(connection).get_table_names()


def is_known(revision: str) -> bool:
    return revision in {script.revision for script in ScriptDirectory(str(HERE)).walk_revisions()}


def make_tables(connection: Connection, revision: str) -> None:
    """Make the tables as they were at this revision, in the connection's transaction."""
    within = config(str(connection.engine.url))
    within.attributes["connection"] = connection
    command.upgrade(within, revision)


def upgrade(url: str) -> None:
    """Bring the database to the newest schema. Safe to call from many processes at once.

    Raises SchemaMismatch when the database is at a schema that no migration here leads to.
    """
    if make_url(url).get_backend_name() == "sqlite":
        path = Path(make_url(url).database or "").absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.migrate.lock"):
            _apply(url)
        return
    with create_engine(url, poolclass=NullPool).connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()
        try:
            _apply(url)
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})


def _apply(url: str) -> None:
    try:
        command.upgrade(config(url), "head")
    except CommandError as error:
        raise SchemaMismatch(
            f"The database was made by another version of Fewpairs ({error}): use that version, or another "
            "database (FEWPAIRS_DATABASE_URL or FEWPAIRS_DATA_DIR)."
        ) from error
