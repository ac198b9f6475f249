"""`python -m migrations` brings the database of the settings to the newest schema."""

import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy import NullPool, create_engine, inspect, make_url
from sqlalchemy.exc import OperationalError

from migrations import upgrade
from store.database import SchemaMismatch
from store.settings import Settings, settings_or_exit


def main(settings: Settings) -> None:
    url = make_url(settings.database)
    try:
        if not _is_there(settings.database) and (folder := _blobs_without_rows(settings)):
            sys.exit(
                f"The database {url!r} is empty, but {folder} holds the photos and models of another one. "
                "Restore that database, or set FEWPAIRS_DATABASE_URL or FEWPAIRS_DATA_DIR to where it is; to "
                f"begin anew, move {folder} away."
            )
        upgrade(settings.database)
    except SchemaMismatch as error:
        sys.exit(str(error))
    except OperationalError as error:
        sys.exit(f"The database {url!r} cannot be reached: {error.orig}".rstrip())
    sys.stdout.write("The database is at the newest schema.\n")


def _is_there(database: str) -> bool:
    """Whether the database has tables. Does not make the file of an SQLite database."""
    url = make_url(database)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return False
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return inspect(connection).has_table("alembic_version")


def _blobs_without_rows(settings: Settings) -> Path | None:
    """The folder of blobs, if there is a blob in it."""
    folder = Path(unquote(urlsplit(settings.blobs).path))
    return folder if any(folder.glob("[0-9a-f][0-9a-f]/*")) else None


if __name__ == "__main__":
    main(settings_or_exit())
