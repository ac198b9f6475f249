"""A whole pool as records and blobs: what moves to another server, and what stays.

An archive is a zip of `pool.jsonl`, the records, and `blobs/<SHA-256>`. The first record says the format, its
version and the pool; every other one is `{"table": …, "row": {column: value, …}}`, in the order of MOVED, so
that a row follows the rows that it refers to.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Select, Table, and_, or_, select
from sqlalchemy.orm import Session

from store.filters import kept
from store.states import ENDED
from store.tables import (
    Annotation,
    ApiKey,
    ArchivePart,
    Assignment,
    Base,
    Contributed,
    Deletable,
    Draft,
    Evaluation,
    EvaluationImage,
    Event,
    Explanation,
    Image,
    Installation,
    Job,
    JobLog,
    JobMetric,
    JobSample,
    LabelMap,
    Leaving,
    LoginSession,
    Membership,
    Model,
    ModelFile,
    PhotoFeatures,
    Pool,
    Principal,
    Selection,
    Shard,
    Uncertainty,
    Webhook,
)

FORMAT, VERSION = "fewpairs-pool", 1
RECORDS, BLOBS = "pool.jsonl", "blobs/"
"""The names of the records and the beginning of the names of blobs, in the zip."""
ROWS_A_READ = 1000

MOVED: tuple[type[Base], ...] = (
    *(Pool, Job, JobMetric, Shard, Image, LabelMap, Annotation, Event, Selection, Assignment),
    *(Model, ModelFile, Evaluation, EvaluationImage),
)
LEFT: Mapping[type[Base], str] = {
    Explanation: "made again when asked for",
    Uncertainty: "computed again by the next selection that needs it",
    PhotoFeatures: "computed again by the next training",
    JobSample: "shows how far a training was, and the model has the last one",
    JobLog: "is of the machine that trained",
    ArchivePart: "belongs to archives that arrive",
    Leaving: "belongs to what was deleted",
    Installation: "is of one server",
    Principal: "is of one server",
    Membership: "belongs to a principal",
    Draft: "belongs to a principal",
    ApiKey: "belongs to a principal",
    LoginSession: "belongs to a principal",
    Webhook: "has a secret, and its receiver knows this server",
}
"""Tables that stay, each with the reason."""
LEFT_COLUMNS: Mapping[type[Base], frozenset[str]] = {
    Job: frozenset(
        {
            *("queue", "worker", "lease_expires_at", "deadline_at", "cancel_requested", "finish_requested"),
            *("ring_at", "rings", "idempotency_key", "request_digest", "principal_id"),
        }
    ),
    Event: frozenset({"principal_id", "address"}),
    Contributed: frozenset({"added_by"}),
    Evaluation: frozenset({"confusion"}),
    Deletable: frozenset({"gone_at"}),
    Pool: frozenset({"removed"}),
}
"""Columns that stay: how a job was run, keys by which a server finds earlier answers, its accounts, and when
something was deleted, as nothing moves that was.
"""

KINDS: Mapping[tuple[type[Base], str], str] = {
    (Shard, "sha256"): "embeddings",
    (Shard, "patches_sha256"): "patches",
    (Image, "sha256"): "photo",
    **{(table, "sha256"): "label_map" for table in (LabelMap, Annotation)},
    **{(table, "original_sha256"): "original" for table in (LabelMap, Annotation)},
    (EvaluationImage, "sha256"): "prediction",
}
"""What the blobs of these columns are. Those of a model's files follow from their names."""
KINDS_OF_FILES = {".safetensors": "weights", ".onnx": "onnx", ".json": "spec", ".png": "picture"}


class Part(NamedTuple):
    """A blob of an archive, and what it has to be."""

    kind: str
    sha256: str


@dataclass(frozen=True)
class Record:
    table: type[Base]
    row: dict[str, Any]

    def parts(self) -> Iterator[Part]:
        """The blobs of the row. Raises KeyError for a model's file of an unknown kind."""
        if self.table is ModelFile:
            suffix = self.row["name"][self.row["name"].rfind(".") :]
            yield Part(KINDS_OF_FILES[suffix], self.row["sha256"])
        for (table, column), kind in KINDS.items():
            if table is self.table and self.row.get(column):
                yield Part(kind, self.row[column])


def columns(table: type[Base]) -> list[ColumnElement[Any]]:
    """The columns of a table that move."""
    left = {name for base, names in LEFT_COLUMNS.items() if issubclass(table, base) for name in names}
    return [column for column in _table(table).columns if column.name not in left]


def references(table: type[Base]) -> Iterator[tuple[Column[Any], type[Base]]]:
    """The columns of a table that refer to rows of others, each with the other table."""
    tables = {each.__tablename__: each for each in MOVED}
    for column in _table(table).columns:
        for key in column.foreign_keys:
            yield column, tables[key.column.table.name]


def records(session: Session, pool_id: uuid.UUID) -> Iterator[Record]:
    """The rows of a pool that move, in the order of MOVED and of their keys. A shard may have embeddings of
    photos that were deleted.
    """
    for table in MOVED:
        query = select(*columns(table)).where(_belongs(table, pool_id))
        ordered = query.order_by(*_table(table).primary_key)
        for row in session.execute(ordered.execution_options(yield_per=ROWS_A_READ)).mappings():
            yield Record(table, _ended(dict(row)) if table is Job else dict(row))


def deleted_images(session: Session, pool_id: uuid.UUID) -> set[str]:
    """The hexadecimal ids of the pool's photos that were deleted and are not removed yet."""
    query = select(Image.id).where(Image.pool_id == pool_id, ~kept(Image))
    return {image_id.hex for image_id in session.scalars(query)}


def _belongs(table: type[Base], pool_id: uuid.UUID) -> ColumnElement[bool]:
    """Whether a row moves with the pool: neither it nor a row that it refers to was deleted."""
    if table is Pool:
        return Pool.id == pool_id
    if table is Job:
        return or_(*(Job.id.in_(ids) for ids in _jobs(pool_id)))
    conditions = [kept(table)] if issubclass(table, Deletable) else []
    if table is Evaluation:  # it is deleted with its job
        conditions.append(Evaluation.job_id.in_(select(Job.id).where(kept(Job))))
    for column, other in references(table):
        if other is not Job or table is JobMetric:
            moving = column.in_(select(_table(other).columns["id"]).where(_belongs(other, pool_id)))
            is_optional = column.nullable and table is not Event  # an event without a pool is not of this one
            conditions.append(or_(column.is_(None), moving) if is_optional else moving)
    return and_(*conditions)


def _jobs(pool_id: uuid.UUID) -> Iterator[Select[Any]]:
    """The ids of the jobs that made what moves. Other jobs are answers, which can be asked for again."""
    for table in MOVED:
        for column, other in references(table):
            if other is Job and table is not JobMetric:
                yield select(column).where(column.is_not(None), _belongs(table, pool_id))


def _ended(job: dict[str, Any]) -> dict[str, Any]:
    """A job that has not ended counts as cancelled in the archive: it goes on here, not there."""
    return job if job["state"] in ENDED else job | {"state": "cancelled"}


def _table(table: type[Base]) -> Table:
    found = table.__table__
    assert isinstance(found, Table)
    return found
