"""Whether database, blobs and broker can be used: asked in the background, answered from memory."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from service.doorbell import Doorbell
from service.http.render import lacks_space
from store.blobs import Blobs
from store.database import Database, SchemaMismatch

EVERY_S = 3.0
SILENT_S = 5.0
"""A check that takes longer is reported as such, whatever it says in the end."""
OK = "ok"


@dataclass(frozen=True)
class Looked:
    """What the last check found, and when the check that runs now began."""

    found: str
    asking_since: float | None


class Check:
    """Repeats a question in a thread of its own, so that one that hangs delays no other and no answer."""

    def __init__(self, name: str, ask: Callable[[], str]) -> None:
        self._ask = ask
        self._looked = Looked("not asked yet", None)
        self._over = threading.Event()
        self.answered = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"readiness-{name}", daemon=True)
        self._thread.start()

    @property
    def state(self) -> str:
        """`ok`, or what is wrong."""
        looked = self._looked
        silent_s = monotonic() - looked.asking_since if looked.asking_since else 0
        return f"has not answered for {silent_s:.0f} seconds" if silent_s > SILENT_S else looked.found

    def close(self) -> None:
        self._over.set()
        self._thread.join(timeout=1)

    def _run(self) -> None:
        while not self._over.is_set():
            self._looked = Looked(self._looked.found, monotonic())
            try:
                found = self._ask()
            except Exception as error:  # nothing may end this thread
                found = f"{error.__class__.__name__}: {error}"
            self._looked = Looked(found, None)
            self.answered.set()
            self._over.wait(EVERY_S)


class Readiness:
    """`database`, `blobs` and `broker`, each a Check."""

    def __init__(self, database: Database, blobs: Blobs, doorbell: Doorbell) -> None:
        self.database = Check("database", lambda: _database(database))
        self.blobs = Check("blobs", lambda: _blobs(blobs))
        self.broker = Check("broker", lambda: _broker(doorbell))
        self._checks = (self.database, self.blobs, self.broker)

    def wait(self) -> None:
        """Wait until each check has answered once, but no longer than makes one silent."""
        give_up = monotonic() + SILENT_S
        for check in self._checks:
            check.answered.wait(max(give_up - monotonic(), 0))

    def close(self) -> None:
        for check in self._checks:
            check.close()


def _database(database: Database) -> str:
    """Whether a write succeeds and the schema fits."""
    try:
        database.prove_writable()
        database.require_schema()
    except DBAPIError as error:
        return "its disk is full" if lacks_space(error) else f"cannot be used: {error.orig}".strip()
    except (SQLAlchemyError, SchemaMismatch) as error:
        return str(error)
    return OK


def _blobs(blobs: Blobs) -> str:
    try:
        with blobs.incoming() as incoming:
            incoming.write(b"ready?")
            incoming.flush()
    except OSError as error:
        return f"cannot be written: {error}"
    return OK


def _broker(doorbell: Doorbell) -> str:
    answers = doorbell.bell.broker_answers()
    return OK if answers else "does not answer; queued jobs wait until it does"
