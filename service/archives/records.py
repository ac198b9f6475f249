"""Read an archive's records one by one: each is checked, and refers only to what came before it."""

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeVar
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import from_json

from service.archives.rows import FORMS, require_agreement
from service.http.problems import ArchiveTooNew, InvalidArchive, Problem
from store import archives
from store.archives import Record
from store.tables import Image, Pool, Row, Shard

LONGEST_LINE = 64 * 1024 * 1024
LENGTHS_OF_IDS = (32, 36)

Line = dict[str, Any]
Value = TypeVar("Value")
Found = TypeVar("Found")


class Records:
    """The records of one archive, to iterate over once. They keep ids and sizes, not rows.

    Iteration raises InvalidArchive or ArchiveTooNew at the first record that is wrong.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._lines = enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), start=1)
        self._ids: dict[str, set[UUID]] = {table: set() for table in FORMS}
        self._named: set[UUID] = set()
        self._shard_of: dict[UUID, UUID] = {}
        self.pool_id: UUID
        """The id of the pool, which is in the first record."""
        self.sizes: dict[UUID, tuple[int, int]] = {}
        """Width and height of each image."""
        read_header(self._lines)

    def __iter__(self) -> Iterator[Record]:
        order = {table: place for place, table in enumerate(FORMS)}
        last = ""
        for number, line in self._lines:
            record = _told(number, line, _record)
            table = record.table.__tablename__
            if order[table] < order.get(last, 0):
                raise _wrong(number, f"rows of {table} must come before those of {last}")
            if table == last == Pool.__tablename__ or (not last and record.table is not Pool):
                raise _wrong(number, "an archive begins with one pool and has no other")
            last = table
            _told(number, record, self._take)
            yield record
        self._check_end()

    @property
    def strangers(self) -> set[UUID]:
        """Ids that documents of the archive name, and that none of its rows has; complete at the end."""
        return self._named.difference(*self._ids.values())

    def _take(self, record: Record) -> None:
        """Note the record's ids. Raises ValueError if it refers to a row that is not in the archive."""
        row, table = record.row, record.table
        if issubclass(table, Row):
            if row["id"] in self._ids[table.__tablename__]:
                raise ValueError("two rows have the same id")
            self._ids[table.__tablename__].add(row["id"])
        for column, other in archives.references(table):
            value = row.get(column.name)
            if value is not None and value not in self._ids[other.__tablename__]:
                raise ValueError(f"its {column.name} is no row of the archive")
        self._named.update(_ids_in(list(row.values())))
        if table is Pool:
            self.pool_id = row["id"]
        elif table is Shard:
            self._shard_of |= dict.fromkeys(map(UUID, row["image_ids"]), row["id"])
        elif table is Image:
            self.sizes[row["id"]] = row["width"], row["height"]
            if row.get("shard_id") and self._shard_of.get(row["id"]) != row["shard_id"]:
                raise ValueError("its shard does not have its embedding")

    def _check_end(self) -> None:
        if not self._ids[Pool.__tablename__]:
            raise InvalidArchive("The archive holds no pool.")
        if self._shard_of.keys() - self._ids[Image.__tablename__]:
            raise InvalidArchive("A shard of the archive has an embedding of an image that is not in it.")


def read_header(lines: Iterator[tuple[int, bytes]]) -> Line:
    """The first record. Raises InvalidArchive, or ArchiveTooNew for a version that came after this one."""
    header = _told(*next(lines, (1, b"")), _json)
    if header.get("format") != archives.FORMAT or type(header.get("version")) is not int:
        raise InvalidArchive("The file is no archive of a pool: send what `fewpairs pool export` wrote.")
    if header["version"] > archives.VERSION:
        raise ArchiveTooNew(
            f"The archive has version {header['version']} of the format, from "
            f"{header.get('made_by')}, and this server reads up to version {archives.VERSION}: install a "
            "newer version of Fewpairs here."
        )
    return header


def read_pool(file: BinaryIO) -> dict[str, Any]:
    """The row of the archive's pool."""
    records = iter(Records(file))
    return next(records).row


def read_parts(file: BinaryIO) -> Iterator[archives.Part]:
    """The parts of an archive that was checked before."""
    file.readline(LONGEST_LINE)
    for line in iter(lambda: file.readline(LONGEST_LINE), b""):
        value = from_json(line)
        table, _ = FORMS[value["table"]]
        yield from Record(table, value["row"]).parts()


def _record(line: bytes) -> Record:
    value = _json(line)
    name, row = value.get("table"), value.get("row")
    if name not in FORMS:
        raise ValueError(f"there is no table {name!r} in version {archives.VERSION} of the format")
    table, form = FORMS[name]
    record = Record(table, form.model_validate(row).model_dump(exclude_unset=True))
    require_agreement(record)
    return record


def _json(line: bytes) -> Line:
    if len(line) == LONGEST_LINE:
        raise ValueError(f"it is longer than {LONGEST_LINE:,} bytes")
    value = from_json(line, allow_inf_nan=False)
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    return value


def _told(number: int, value: Value, read: Callable[[Value], Found]) -> Found:
    """What `read` makes of the value. Raises InvalidArchive with the number of the record."""
    try:
        return read(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise _wrong(number, f"{place}: {first['msg']}") from None
    except (ValueError, TypeError, KeyError) as error:
        raise _wrong(number, str(error)) from None
    except Problem as problem:
        raise _wrong(number, problem.detail) from None


def _wrong(number: int, why: str) -> InvalidArchive:
    return InvalidArchive(f"Record {number} of the archive cannot be used: {why.removesuffix('.')}.")


def _ids_in(value: Any) -> Iterator[UUID]:
    """All ids in a value of JSON, or of a row."""
    if isinstance(value, UUID):
        yield value
    elif isinstance(value, str) and len(value) in LENGTHS_OF_IDS:
        try:
            yield UUID(value)
        except ValueError:
            return
    elif isinstance(value, list):
        for item in value:
            yield from _ids_in(item)
    elif isinstance(value, dict):
        yield from _ids_in([*value.keys(), *value.values()])
