"""Engines and sessions. One request or task is one transaction, which only the route or the task opens."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text, update
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import Session

from store.clock import from_now
from store.tables import SCHEMA, Installation

LONGEST_WAIT_S = 15
"""For a lock, which is that of the whole database on SQLite, and for a free connection."""
LONGEST_CONNECT_S = 5
MOST_THREADS = 104
"""The threads of one process that may use a database at once. Each finds a connection."""
KEPT_CONNECTIONS, KEPT_BY_SQLITE = 10, 3
"""What stays open after use. SQLite opens another one in less than a millisecond, and each keeps some 500 kB:
with ten, a process grew for hours, with each moment at which more of them were used than before."""
WRITERS = 0x6665777772697465 >> 1
"""PostgreSQL's lock that writers share, and that one who has to be alone has alone, as on SQLite."""
STATEMENTS = 32
"""What a connection to SQLite keeps prepared, some 11 kB each; Python keeps 128."""
CACHE_KIB = 256
"""What a connection to SQLite keeps of the file, as the system's cache does too; SQLite would keep 2 MB."""
POOL = {
    "max_overflow": MOST_THREADS,  # and the kept ones for threads of the process's own
    "pool_timeout": LONGEST_WAIT_S,
    "pool_use_lifo": True,  # each connection prepares its own statements, and keeps them
}
NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs"}


class SchemaMismatch(RuntimeError):
    """The database has other tables than this version was written for."""


class Database:
    """`with database.write() as session:` commits at its end or changes nothing; `read()` only reads."""

    def __init__(self, url: str, longest_statement_s: float = 0) -> None:
        """PostgreSQL ends a statement, and a transaction that does nothing, after this time; 0: never."""
        self.url = url
        self._is_sqlite = make_url(url).get_backend_name() == "sqlite"
        if self._is_sqlite:
            _refuse_network_file_system(_path(url))
            self._writer = _sqlite_engine(url, "BEGIN IMMEDIATE")
            self._reader = _sqlite_engine(url, "BEGIN")
        else:
            self._writer = _postgresql_engine(url, longest_statement_s)
            # All queries of one `read()` see the same moment, as they do on SQLite.
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ")

    @property
    def engine(self) -> Engine:
        return self._writer

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that has begun: no blob is removed until its end (see `store.references`)."""
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            session.connection()  # begins; SQLAlchemy would do so at the first statement
            if not self._is_sqlite:
                session.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": WRITERS})
            yield session

    @contextmanager
    def alone(self) -> Iterator[Session]:
        """As `write`, while nobody else writes."""
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            session.connection()
            if not self._is_sqlite:
                session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITERS})
            yield session

    def forget_deleted(self) -> None:
        """Empty SQLite's log, which keeps deleted rows until they are written over; the file keeps none."""
        if self._is_sqlite:
            connection = self._writer.raw_connection()
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()

    @contextmanager
    def read(self) -> Iterator[Session]:
        with Session(self._reader, expire_on_commit=False) as session:
            yield session

    def require_schema(self) -> None:
        """Raise SchemaMismatch unless this version of the program can use the database: it is at this
        version's schema, or at a later one whose migrations only added what this version does not see.
        """
        found, floor = self._schema()
        if found == SCHEMA:
            return
        if found is None:
            raise SchemaMismatch(
                f"There are no tables of Fewpairs at {make_url(self.url).render_as_string()}: start "
                "`fewpairs up`, run `fewpairs migrate`, or name another FEWPAIRS_DATA_DIR or "
                "FEWPAIRS_DATABASE_URL."
            )
        if found < SCHEMA:
            raise SchemaMismatch(
                f"The database is at schema {found}, this version needs {SCHEMA}: run `fewpairs migrate`."
            )
        if floor is None or floor > SCHEMA:
            raise SchemaMismatch(
                f"The database is at schema {found}, which this version (schema {SCHEMA}) cannot use: start "
                "the newer version of Fewpairs that migrated it."
            )

    def _schema(self) -> tuple[str | None, str | None]:
        """The schema of the database, and the oldest one whose programs can use it; None: there is none."""
        if self._is_sqlite and not _path(self.url).exists():
            return None, None
        with self._reader.connect() as connection:
            found = _only(connection, "alembic_version", "version_num")
            return found, _only(connection, "installation", "floor")

    def prove_writable(self) -> None:
        """Write, and commit. Raises what the database raises if it cannot."""
        with self.write() as session:
            session.execute(update(Installation).values(written_at=from_now(0)))

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()


def _postgresql_engine(url: str, longest_statement_s: float) -> Engine:
    limits = {
        "lock_timeout": LONGEST_WAIT_S,
        "statement_timeout": longest_statement_s,
        "idle_in_transaction_session_timeout": longest_statement_s,
    }
    options = " ".join(f"-c {name}={seconds * 1000:.0f}" for name, seconds in limits.items())
    connect = {"options": options, "connect_timeout": LONGEST_CONNECT_S}
    return create_engine(url, pool_pre_ping=True, connect_args=connect, pool_size=KEPT_CONNECTIONS, **POOL)


def _only(connection: Connection, table: str, column: str) -> str | None:
    """The value in a table of one row; None if there is no such table."""
    if not inspect(connection).has_table(table):
        return None
    value: str | None = connection.scalar(text(f"SELECT {column} FROM {table}"))
    return value


def _sqlite_engine(url: str, begin: str) -> Engine:
    """An engine that sends BEGIN itself: a deferred BEGIN that becomes a write later loses updates.

    It never makes the file, which migrations do, and notices when the file is deleted or replaced: a
    connection to a deleted file would take writes that nobody can find again.
    """
    path = _path(url)

    def connect() -> sqlite3.Connection:
        if not path.exists():
            raise sqlite3.OperationalError(f"the file {path} is not there: it was deleted or moved away")
        return sqlite3.connect(
            f"{path.as_uri()}?mode=rw",
            uri=True,
            timeout=LONGEST_WAIT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=STATEMENTS,
        )

    engine = create_engine(url, creator=connect, pool_size=KEPT_BY_SQLITE, **POOL)

    @event.listens_for(engine, "checkout")
    def _(connection: sqlite3.Connection, record: Any, proxy: Any) -> None:
        if record.info["file"] != _file(path):
            raise DisconnectionError(f"{path} is another file than before")

    @event.listens_for(engine, "connect")
    def _(connection: sqlite3.Connection, record: Any) -> None:
        record.info["file"] = _file(path)
        connection.execute(f"PRAGMA journal_mode={journal_mode(sqlite3.sqlite_version_info)}")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        connection.execute("PRAGMA secure_delete=ON")  # what is deleted does not stay in free pages

    @event.listens_for(engine, "begin")
    def _(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _path(url: str) -> Path:
    """The file of an SQLite database."""
    return Path(make_url(url).database or "").absolute()


def _file(path: Path) -> tuple[int, int] | None:
    """Which file it is, whatever it contains; None if there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def journal_mode(version: tuple[int, int, int]) -> str:
    """WAL, except on builds whose WAL reset can corrupt the file (fixed in 3.51.3, 3.50.7, 3.44.6)."""
    fixed = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    return "WAL" if fixed else "DELETE"


def _refuse_network_file_system(path: Path) -> None:
    """SQLite's locks do not hold on network file systems."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return
    folder = path.parent
    entries = [line.split()[1:3] for line in mounts.read_text().splitlines()]
    holding = [(point, kind) for point, kind in entries if folder.is_relative_to(point)]
    point, kind = max(holding, key=lambda entry: len(entry[0]))
    if kind in NETWORK_FILE_SYSTEMS:
        raise RuntimeError(
            f"{path} is on a network file system ({kind} at {point}), where SQLite loses data. "
            "Set FEWPAIRS_DATA_DIR to a local disk or FEWPAIRS_DATABASE_URL to a PostgreSQL server."
        )
