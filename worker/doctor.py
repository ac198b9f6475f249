"""`python -m worker.doctor` looks for what is damaged, and says what takes space and what nobody needs.

Exits with 0 if all is well, and with 1 if there are faults, or were some that `--repair` could not heal.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import Any

from sqlalchemy.exc import OperationalError

from store import retention
from store.blobs import LocalBlobs, open_blobs
from store.database import Database, SchemaMismatch
from store.settings import Settings, settings_or_exit
from worker.garbage import pieces
from worker.upkeep.blob_faults import blob_faults, named_blobs, strangers
from worker.upkeep.cache_faults import cache_faults
from worker.upkeep.fault import Fault
from worker.upkeep.faults import database_faults, job_faults, row_faults
from worker.upkeep.usage import Use, usage


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
    settings: Settings, database: Database, blobs: LocalBlobs, *, repair: bool = False, read: bool = True
) -> Report:
    """Look at everything, while the server runs or not. Without `read`, bytes of blobs are not read.

    With `repair`, heal what can be healed.
    """
    named = named_blobs(database)
    with database.read() as session:
        old_jobs = retention.count_old_jobs(session, settings.keep_jobs_s)
    spare = pieces(settings, database, blobs)
    report = Report(len(named), old_jobs, usage(settings, database, blobs, named, spare))
    for fault in _faults(settings, database, blobs, named, read):
        healed = repair and fault.repair is not None and fault.repair()
        found = {"kind": fault.kind, "what": fault.what, "advice": fault.advice, "healed": healed}
        report.faults.append(found)
    return report


def _faults(
    settings: Settings, database: Database, blobs: LocalBlobs, named: dict[str, str], read: bool
) -> Iterator[Fault]:
    return chain(
        database_faults(database),
        row_faults(database),
        job_faults(settings, database),
        strangers(blobs),
        blob_faults(settings, database, blobs, named, read=read),
        cache_faults(settings, database, blobs) if read else (),
    )


def _print(report: Report) -> None:
    lines = [f"{'what':<40}{'files':>10}{'MB':>12}{'nobody needs':>15}"]
    total = Use()
    for kind, use in report.use.items():
        lines.append(f"{kind:<40}{use.files:>10}{use.bytes / 1e6:>12.1f}{use.spare / 1e6:>15.1f}")
        total = Use(total.files + use.files, total.bytes + use.bytes, total.spare + use.spare)
    lines.append(f"{'all':<40}{total.files:>10}{total.bytes / 1e6:>12.1f}{total.spare / 1e6:>15.1f}")
    if total.spare or report.old_jobs:
        lines.append(
            f"Workers remove by and by what nobody needs, and {report.old_jobs} old jobs; "
            "`fewpairs gc --remove` does it at once."
        )
    lines.append(f"\n{len(report.faults) or 'No'} faults; {report.blobs} blobs are named by rows.")
    for fault in report.faults:
        state = "Healed. " if fault["healed"] else ""
        lines += [f"- {fault['kind']}: {fault['what']}", f"  {state or fault['advice']}"]
    sys.stdout.write("\n".join(lines) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m worker.doctor", description=__doc__)
    parser.add_argument("--repair", action="store_true", help="heal what can be healed")
    parser.add_argument("--quick", action="store_true", help="do not read the bytes of the blobs")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    arguments = parser.parse_args()
    settings = settings_or_exit()
    database = Database(settings.database)
    try:
        database.require_schema()
        blobs = open_blobs(settings.blobs)
        assert isinstance(blobs, LocalBlobs)
        report = examine(settings, database, blobs, repair=arguments.repair, read=not arguments.quick)
    except SchemaMismatch as error:
        sys.exit(str(error))
    except OperationalError as error:
        sys.exit(f"The database cannot be used: {error.orig}".rstrip())
    finally:
        database.close()
    if arguments.json:
        sys.stdout.write(json.dumps(asdict(report), indent=1) + "\n")
    else:
        _print(report)
    return 0 if report.is_well else 1


if __name__ == "__main__":
    sys.exit(main())
