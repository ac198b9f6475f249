"""`python -m migrations` brings the database of the settings to the newest schema."""

import sys

from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from migrations import is_new, upgrade
from store.blobs import folder_of, is_empty
from store.database import SchemaMismatch
from store.settings import Settings, settings_or_exit


def main(settings: Settings) -> None:
    url = make_url(settings.database)
    try:
        if is_new(settings.database) and not is_empty(folder := folder_of(settings.blobs)):
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


if __name__ == "__main__":
    main(settings_or_exit())
