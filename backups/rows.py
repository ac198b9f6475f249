"""All rows of a database at one moment, as lines of JSON that both kinds of database can take.

A line is `{"table": …, "row": {column: value, …}}`, and follows those that it refers to. Which tables there
are is asked of the database, so that rows of any schema can be written and read.
"""

import gzip
import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import (
    CHAR,
    JSON,
    Connection,
    DateTime,
    MetaData,
    NullPool,
    Table,
    Uuid,
    create_engine,
    delete,
    insert,
    make_url,
    select,
)
from sqlalchemy.types import TypeEngine

from store.blobs import Incoming
from store.references import digests_in

ROWS_AT_ONCE = 500
VERSIONS, LEAVING = "alembic_version", "leaving"


@dataclass
class Found:
    """What was seen on the way through the rows."""

    counts: dict[str, int] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    """The blobs that columns name: they have to be there."""
    mentioned: set[str] = field(default_factory=set)
    """Every other digest, in documents: some name blobs."""


@contextmanager
def one_moment(url: str, folder: Path) -> Iterator[Connection]:
    """A connection that sees the database as it is now, and keeps nobody from writing.

    From SQLite, all pages are copied into the folder first: whoever reads for long would keep others from
    committing.
    """
    if make_url(url).get_backend_name() == "sqlite":
        copy = folder / "rows.part"
        copy.unlink(missing_ok=True)
        source, target = sqlite3.connect(make_url(url).database or ""), sqlite3.connect(copy)
        try:
            source.backup(target)
        finally:
            source.close()
            target.close()
        url = f"sqlite:///{copy.absolute()}"
    engine = create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
        (folder / "rows.part").unlink(missing_ok=True)


def write(connection: Connection, file: Incoming) -> Found:
    """Write all rows, compressed; equal rows give equal bytes."""
    found = Found()
    with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0, compresslevel=1) as packed:
        for table in tables(connection):
            found.counts[table.name] = 0
            ordered = select(table).order_by(*table.primary_key)
            rows = connection.execute(ordered.execution_options(yield_per=ROWS_AT_ONCE))
            for row in map(dict, rows.mappings()):
                line = {"table": table.name, "row": row}
                packed.write(json.dumps(line, default=_as_text, ensure_ascii=False).encode() + b"\n")
                found.counts[table.name] += 1
                if table.name != LEAVING:
                    _note_digests(found, row)
    return found


def fill(connection: Connection, file: BinaryIO) -> dict[str, int]:
    """Fill the tables of a new database with the rows. Returns the number of rows of each table."""
    there = {table.name: table for table in tables(connection)}
    for table in reversed(there.values()):  # migrations may have added some
        connection.execute(delete(table))
    counts = dict.fromkeys(there, 0)
    with gzip.GzipFile(fileobj=file) as packed:
        lines = map(json.loads, packed)
        for name, lines_of_table in groupby(lines, key=itemgetter("table")):
            readers = {column.name: _reader(column.type) for column in there[name].columns}
            rows = (
                {key: None if value is None else readers[key](value) for key, value in line["row"].items()}
                for line in lines_of_table
            )
            while some := list(islice(rows, ROWS_AT_ONCE)):
                connection.execute(insert(there[name]), some)
                counts[name] += len(some)
    return counts


def tables(connection: Connection) -> list[Table]:
    """The tables of the database, each after those that it refers to."""
    metadata = MetaData()
    metadata.reflect(connection)
    found = [table for table in metadata.sorted_tables if table.name != VERSIONS]
    for table in found:
        for column in table.columns:
            if isinstance(column.type, JSON):
                column.type.none_as_null = True
    return found


def _note_digests(found: Found, row: dict[str, Any]) -> None:
    for name, value in row.items():
        if name.endswith("sha256"):
            found.named.update([value] if value else [])
        elif isinstance(value, dict | list):
            found.mentioned |= digests_in(value)


def _as_text(value: Any) -> str:
    """The same from both kinds of database: SQLite's moments do not say UTC, and its ids have no dashes."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    return value.hex if isinstance(value, uuid.UUID) else str(value)


def _reader(type: TypeEngine[Any]) -> Callable[[Any], Any]:
    """Makes a value of JSON one of the column's type. On SQLite, ids are text of 32 digits."""
    match type:
        case Uuid():
            return uuid.UUID
        case CHAR(length=32):
            return lambda text: uuid.UUID(text).hex
        case DateTime():
            return datetime.fromisoformat
    return lambda value: value
