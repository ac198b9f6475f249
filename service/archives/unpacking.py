"""Take an archive in: its records, its parts one by one, then all rows of its pool in one transaction."""

import uuid
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.archives.parts import Checks, Facts
from service.archives.records import Records, read_parts, read_pool
from service.http.problems import (
    ArchiveIncomplete,
    InvalidArchive,
    NotFound,
    PoolExists,
    PoolNameTaken,
)
from service.runtime import Service
from store import archive_parts, events, images, pools, references
from store.archives import Part, Record
from store.blobs import Incoming
from store.job_kinds import QUEUE_OF_KIND
from store.tables import Annotation, ArchivePart, Image, Job, LabelMap, Pool, Shard

Sizes = Mapping[uuid.UUID, tuple[int, int]]


def take_records(service: Service, archive: str, incoming: Incoming) -> ArchivePart:
    """Check and keep the records of an archive. Raises a Problem, and keeps nothing, if they are wrong."""
    if incoming.sha256 != archive:
        raise _damaged(archive, incoming.sha256)
    with incoming.path.open("rb") as file:
        names = [record.row["name"] for record in Records(file) if record.table is Pool]
    blob = incoming.keep()
    facts = {"size": blob.size, "pool_name": names[0], "pool_id": None}
    with service.database.write() as session:
        service.require_blobs(blob.sha256)
        archive_parts.forget_abandoned(session)
        archive_parts.add(session, archive, Part(archive_parts.ARCHIVE, archive), facts)
    return found_archive(service, archive)


def found_archive(service: Service, archive: str) -> ArchivePart:
    """The archive whose records have arrived. Raises NotFound."""
    with service.database.read() as session:
        return _found(session, archive)


def missing(service: Service, archive: str, limit: int) -> list[Part]:
    """Parts that have not arrived, each once, in the order of the records."""
    found_archive(service, archive)
    with service.database.read() as session:
        there: set[Part] = set(archive_parts.arrived(session, archive))

    def lacking() -> Iterator[Part]:
        with service.blobs.open(archive) as file:
            for part in read_parts(file):
                if part not in there:
                    there.add(part)
                    yield part

    return list(islice(lacking(), limit))


def take_part(service: Service, archive: str, part: Part, incoming: Incoming) -> None:
    """Check and keep a file of an archive. Raises a Problem if it is not what its digest and kind say."""
    if incoming.sha256 != part.sha256:
        raise _damaged(part.sha256, incoming.sha256)
    with service.blobs.open(archive) as file:
        class_table = read_pool(file)["class_table"]
    facts = Checks(service.decoders, class_table).facts(part.kind, incoming.path)
    blob = incoming.keep()
    with service.database.write() as session:
        service.require_blobs(blob.sha256)
        archive_parts.add(session, archive, part, {"size": blob.size, **facts})


def make_pool(service: Service, archive: str, name: str | None) -> tuple[bool, uuid.UUID]:
    """Add the archive's pool, with all its rows or none. Returns whether it is new, and its id.

    Raises ArchiveIncomplete, PoolNameTaken, PoolExists or InvalidArchive.
    """
    try:
        with service.database.write() as session:
            if there := pool_of(session, _found(session, archive)):
                return False, there
            with service.blobs.open(archive) as file:
                pool_id = _add_rows(session, archive, Records(file), name)
            waiting = images.embed_again(session, service.settings, pool_id)
            archive_parts.close(session, archive, pool_id)
    except IntegrityError:
        raise PoolExists(
            "The server already has something with an id of this archive, so that its pool, or a part of it, "
            "is here: look for it with GET /pools."
        ) from None
    service.ring(*waiting)
    return True, pool_id


def _add_rows(session: Session, archive: str, records: Records, name: str | None) -> uuid.UUID:
    facts = archive_parts.arrived(session, archive)
    used: set[Part] = set()
    archive_parts.insert_rows(session, _rows(session, records, facts, used, name))
    references.leave(session, (part.sha256 for part in facts.keys() - used))
    if any(archive_parts.known(session, records.strangers)):
        raise InvalidArchive("The archive names things that belong to another pool of this server.")
    events.add(session, records.pool_id, "imported", "pool", records.pool_id)
    return records.pool_id


def pool_of(session: Session, archive: ArchivePart) -> uuid.UUID | None:
    """The pool that was made of the archive, if it is still there."""
    pool_id = archive.facts["pool_id"]
    pool = pools.get(session, uuid.UUID(pool_id)) if pool_id else None
    return pool.id if pool and pool.gone_at is None else None


def _found(session: Session, archive: str) -> ArchivePart:
    found = archive_parts.archive(session, archive)
    if found is None:
        raise NotFound(f"No archive {archive} arrives here: begin with PUT /archives/{archive}.")
    return found


def _rows(
    session: Session, records: Records, facts: Mapping[Part, Facts], used: set[Part], name: str | None
) -> Iterator[Record]:
    """The rows as they are added, after a look at what was found in their files, which are `used`."""
    shapes: dict[str, list[int]] = {}
    for record in records:
        for part in record.parts():
            if part not in facts:
                raise ArchiveIncomplete("Parts are missing: GET /archives/{archive}/missing lists them.")
            _require_agreement(record, part, facts[part], records.sizes)
            used.add(part)
            if shapes.setdefault(part.kind, shape := facts[part].get("shape", [])) != shape:
                raise InvalidArchive("The shards of the archive have embeddings of different lengths.")
        if record.table is Pool:
            record.row["name"] = name or record.row["name"]
            _require_free(session, record.row)
        elif record.table is Job:
            queue = QUEUE_OF_KIND[record.row["kind"]]
            record.row.update(queue=queue, ring_at=record.row["created_at"])
        yield record


def _require_free(session: Session, pool: dict[str, Any]) -> None:
    there = pools.get(session, pool["id"])
    if there and there.gone_at is None:
        raise PoolExists(f"The pool is already on this server, as {there.name}.", pool_id=str(there.id))
    if there and there.removed:
        raise PoolExists(
            "The pool was on this server and was removed for good, but for its events, which keep their ids: "
            "import it on another server."
        )
    if there:
        raise PoolExists(
            "The pool was on this server and was deleted: take that back, if it is not too late."
        )
    if pools.named(session, pool["name"]):
        raise PoolNameTaken(
            f"There is already another pool named {pool['name']}: give this one another name with `name`."
        )


def _require_agreement(record: Record, part: Part, found: Facts, sizes: Sizes) -> None:
    """Raise InvalidArchive if a row says otherwise of its file than what was found in it."""
    for name, value in _said(record, part, sizes).items():
        if _plain(found[name]) != _plain(value):
            raise InvalidArchive(
                f"A row of {record.table.__tablename__} says that the {name} of {part.kind} {part.sha256} is "
                f"{value}, and it is {found[name]}."
            )


def _said(record: Record, part: Part, sizes: Sizes) -> Facts:
    """What a row says of one of its files."""
    row = record.row
    if record.table is Shard:
        return {"rows": len(row["image_ids"])}
    if part.kind == "original":
        return {"size": row["original_size_bytes"], "media_type": row["original_media_type"]}
    said = {"size": row["size_bytes"]}
    if record.table in (Image, LabelMap, Annotation):
        size = sizes[row["image_id"]] if record.table is Annotation else (row["width"], row["height"])
        said |= {"media_type": row["media_type"], "width": size[0], "height": size[1]}
    if row.get("class_pixels") is not None:
        said |= {name: row[name] for name in ("class_pixels", "unlabelled_pixels")}
    return said


def _plain(value: Any) -> Any:
    """Counts without the classes that came later, and that have no pixel."""
    if not isinstance(value, list):
        return value
    counts = list(value)
    while counts and counts[-1] == 0:
        counts.pop()
    return counts


def _damaged(expected: str, found: str) -> InvalidArchive:
    return InvalidArchive(
        f"The file was damaged on its way: its SHA-256 is {found} and must be {expected}. Send it again."
    )
