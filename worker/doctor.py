"""`python -m worker.doctor` looks for what is damaged, and says what takes space and what nobody needs.

Exits with 0 if all is well, and with 1 if there are faults, or were some that `--repair` could not heal.
"""

import argparse
import json
import sys
from dataclasses import asdict

from sqlalchemy.exc import OperationalError

from store.blobs import LocalBlobs, open_blobs
from store.database import Database, SchemaMismatch
from store.settings import settings_or_exit
from worker.upkeep.examination import Report, examine
from worker.upkeep.usage import Use


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
