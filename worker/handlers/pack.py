"""Pack jobs: write a whole pool into one zip, which is held for a day."""

import hashlib
import json
import tempfile
import zipfile
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from store import archives
from store.blobs import Blobs, Incoming, copy
from store.tables import Pool, Shard
from worker.arrays import array, packed
from worker.attempt import Attempt
from worker.outcomes import Outcome

FIRST_DATE = (1980, 1, 1, 0, 0, 0)
"""The date of all files, so that the same pool gives the same bytes."""


class _Sink:
    """What `zipfile` needs to write a zip to a place that cannot seek."""

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming

    def write(self, data: bytes) -> int:
        self._incoming.write(data)
        return len(data)

    def flush(self) -> None:
        self._incoming.flush()

    def close(self) -> None:
        pass


def pack(attempt: Attempt) -> Outcome:
    """The result is `{"held", "sha256", "size_bytes", "blobs"}`."""
    store, cache = attempt.tools.blobs, attempt.tools.settings.cache_dir
    cache.mkdir(parents=True, exist_ok=True)
    with (
        store.incoming() as incoming,
        tempfile.TemporaryDirectory(dir=cache, prefix=f"job-{attempt.claim.job_id.hex}-") as folder,
    ):
        with zipfile.ZipFile(_Sink(incoming), "w") as zip:
            digests = _write_records(attempt, zip, Path(folder))
            for digest in attempt.each(sorted(digests)):
                made = Path(folder) / digest
                with _member(zip, archives.BLOBS + digest) as member:
                    if made.exists():
                        member.write(made.read_bytes())
                    else:
                        copy(store, digest, member)
        found = {"sha256": incoming.sha256, "size_bytes": incoming.size, "blobs": len(digests)}
        held = incoming.hold()
    return Outcome({"held": held, **found})


def _write_records(attempt: Attempt, zip: zipfile.ZipFile, folder: Path) -> set[str]:
    """Write the records, as they are at one moment. Returns the digests of the blobs that they name, some of
    which are made in the folder.
    """
    pool_id, digests = attempt.claim.pool_id, set[str]()
    with attempt.tools.database.read() as session, _member(zip, archives.RECORDS, deflated=True) as file:
        header = {
            "format": archives.FORMAT,
            "version": archives.VERSION,
            "pool": session.get_one(Pool, pool_id).name,
            "made_by": f"fewpairs {version('fewpairs')}",
        }
        file.write(_line(header))
        deleted = archives.deleted_images(session, pool_id)
        for record in archives.records(session, pool_id):
            attempt.lease.check()
            if record.table is Shard and not deleted.isdisjoint(record.row["image_ids"]):
                _leave_out(deleted, record.row, attempt.tools.blobs, folder)
            if record.table is not Shard or record.row["image_ids"]:
                file.write(_line({"table": record.table.__tablename__, "row": record.row}))
                digests.update(part.sha256 for part in record.parts())
    return digests


def _leave_out(deleted: set[str], shard: dict[str, Any], store: Blobs, folder: Path) -> None:
    """Write the arrays of a shard into the folder, without the rows of photos that were deleted."""
    ids = shard["image_ids"]
    rows = [row for row, image_id in enumerate(ids) if image_id not in deleted]
    shard["image_ids"] = [ids[row] for row in rows]
    for column in ("sha256", "patches_sha256"):
        if rows and shard[column]:
            content = packed(array(store, shard[column])[rows])
            shard[column] = hashlib.sha256(content).hexdigest()
            (folder / shard[column]).write_bytes(content)


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, default=_as_text, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _member(zip: zipfile.ZipFile, name: str, deflated: bool = False) -> Any:
    info = zipfile.ZipInfo(name, FIRST_DATE)
    info.compress_type = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    info.external_attr = 0o644 << 16
    return zip.open(info, "w", force_zip64=True)
