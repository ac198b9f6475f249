"""Alembic migrations, and the one way to apply them: `upgrade`, under a lock."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from filelock import FileLock
from sqlalchemy import NullPool, create_engine, make_url, text

from store.database import SchemaMismatch

ADVISORY_LOCK = 0x6665777061697273 >> 1  # "fewpairs"


def config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["url"] = url
    return config


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
