"""Looks at everything that a server keeps: what is damaged, what takes space, what nobody needs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from store import retention
from store.blobs import LocalBlobs
from store.database import Database
from store.settings import Settings
from worker.garbage import pieces
from worker.upkeep.blob_faults import blob_faults, named_blobs, strangers
from worker.upkeep.cache_faults import cache_faults
from worker.upkeep.fault import Fault
from worker.upkeep.faults import database_faults, job_faults, row_faults
from worker.upkeep.usage import Use, usage

Each = Callable[[Sequence[str]], Iterator[str]]
"""Yields the digests of blobs before they are looked at, one by one."""


@dataclass
class Report:
    """What the doctor has found."""

    blobs: int
    """The number of blobs that rows name."""
    old_jobs: int
    """The number of jobs that are kept no longer."""
    use: dict[str, Use]
    faults: list[dict[str, Any]] = field(default_factory=list)
    """Each with its `kind`, `what`, `advice`, and whether it was `healed`."""

    @property
    def is_well(self) -> bool:
        return all(fault["healed"] for fault in self.faults)


def examine(
    settings: Settings,
    database: Database,
    blobs: LocalBlobs,
    *,
    repair: bool = False,
    read: bool = True,
    each: Each = iter,
) -> Report:
    """Look at everything, while the server runs or not. Without `read`, bytes of blobs are not read.

    With `repair`, heal what can be healed. Raises what `each` raises.
    """
    named = named_blobs(database)
    with database.read() as session:
        old_jobs = retention.count_old_jobs(session, settings.keep_jobs_s)
    spare = pieces(settings, database, blobs)
    report = Report(len(named), old_jobs, usage(settings, database, blobs, named, spare))
    for fault in _faults(settings, database, blobs, each(sorted(named)), read):
        healed = repair and fault.repair is not None and fault.repair()
        found = {"kind": fault.kind, "what": fault.what, "advice": fault.advice, "healed": healed}
        report.faults.append(found)
    return report


def _faults(
    settings: Settings, database: Database, blobs: LocalBlobs, named: Iterator[str], read: bool
) -> Iterator[Fault]:
    return chain(
        database_faults(database),
        row_faults(database),
        job_faults(settings, database),
        strangers(blobs),
        blob_faults(settings, database, blobs, named, read=read),
        cache_faults(settings, database, blobs) if read else (),
    )
