"""`python -m tests.faults.chaos --minutes N`: kill processes at random while work goes on, then count.

Prints a table and exits with 1 when anything was lost or done twice.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.cluster import KINDS, Cluster
from tests.faults.ledger import Ledger, ledger_database
from tests.processes import until

TRAININGS_AT_ONCE = 2
END_LIMIT_S = 600


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--database-url", default="", help="default: SQLite")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fewpairs-chaos-") as folder:
        return torment(Path(folder), options.database_url, options.minutes, random.Random(options.seed))


def torment(folder: Path, database_url: str, minutes: float, chance: random.Random) -> int:
    kills: Counter[str] = Counter()
    with Cluster(folder, database_url, embed_chunk=8, max_attempts=1000) as cluster:
        database = ledger_database(folder, database_url)
        ledger = Ledger(cluster.address, database)
        end = time.monotonic() + 60 * minutes
        while time.monotonic() < end:
            work(ledger, chance)
            time.sleep(chance.uniform(0, 6))
            kind = chance.choice(KINDS)
            kills[kind] += cluster.kill(kind, chance.choice)
        until(ledger.all_ended, "the end of all jobs", seconds=END_LIMIT_S)
        lost, double = ledger.lost(), ledger.double()
        report(ledger, kills, lost, double)
        ledger.close()
        database.close()
    return 1 if lost or double else 0


def work(ledger: Ledger, chance: random.Random) -> None:
    ledger.upload(chance.randint(1, 12))
    ledger.annotate(chance.randint(1, 3))
    open_trainings = [job for job in ledger.rows("train") if job.state in ("queued", "running")]
    if len(open_trainings) < TRAININGS_AT_ONCE:
        ledger.train(chance.randint(20, 200))


def report(ledger: Ledger, kills: Counter[str], lost: list[str], double: list[str]) -> None:
    table = Table(title="Kills, and the work that was done meanwhile")
    table.add_column("")
    table.add_column("count", justify="right")
    for kind in KINDS:
        table.add_row(f"kill -9: {kind}", str(kills[kind]))
    for kind in ("embed", "train"):
        rows = ledger.rows(kind)
        table.add_row(f"{kind} jobs, succeeded", f"{len(rows)}, {ledger.succeeded(kind)}")
        table.add_row(f"{kind} attempts", str(sum(job.attempt for job in rows)))
    table.add_row("images answered 2xx", str(len(ledger.images)))
    table.add_row("annotations answered 2xx", str(len(ledger.annotations)))
    table.add_row("lost", str(len(lost)))
    table.add_row("double", str(len(double)))
    console = Console()
    console.print(table)
    for line in lost + double:
        console.print(line)


if __name__ == "__main__":
    sys.exit(main())
