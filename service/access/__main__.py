"""`python -m service.access NAME`: make NAME an administrator, in the database of the settings.

Reads a password from a line of the standard input. If the line is empty, makes a key and prints it.
`python -m service.access` only checks that somebody may use the service: if nobody may, it says what to do
and exits with 1.
"""

import sys

from sqlalchemy.orm import Session

from service.access.first_admin import NoAdmin, require_admin
from service.access.passwords import HASHER
from store import credentials, principals
from store.database import Database, SchemaMismatch
from store.principals import OF_SETTINGS
from store.settings import settings_or_exit

SHORTEST_PASSWORD = 12


def main(words: list[str]) -> None:
    settings = settings_or_exit()
    database = Database(settings.database)
    try:
        database.require_schema()
        with database.write() as session:
            if words:
                _make(session, words[0], sys.stdin.readline().rstrip("\n"))
            else:
                require_admin(session, settings)
    except (NoAdmin, SchemaMismatch) as error:
        sys.exit(str(error))
    finally:
        database.close()


def _make(session: Session, name: str, password: str) -> None:
    if name in OF_SETTINGS:
        sys.exit(f"{name} is an account of the settings: take another name.")
    if password and len(password) < SHORTEST_PASSWORD:
        sys.exit(f"A password has at least {SHORTEST_PASSWORD} characters.")
    row = principals.account(session, name) or principals.add(session, name, admin=True, password_hash=None)
    row.admin = True
    principals.disable(session, row, False)
    if password:
        row.password_hash = HASHER.hash(password)
        credentials.close_sessions(session, row.id)
    else:
        _, text = credentials.add_key(session, row.id, "made on the server")
        sys.stdout.write(f"{text}\n")
    session.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
