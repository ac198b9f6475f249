"""What clients do to a service under load."""

import itertools
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from fewpairs import Client, FewpairsError
from fewpairs.model import Model
from fewpairs.pool import Pool

Counts = Counter[str]
TRAIN_EVERY, BUDGET = 10, 3


def loop(client: Client, drawn: Path, counts: Counts, over: threading.Event) -> None:
    """The whole loop, each time in a new pool, until `over`. `counts` counts what was done."""
    for number in itertools.count():
        if over.is_set():
            return
        pool = client.create_pool(f"load {number} {time.time_ns()}", classes=drawn / "classes.json")
        _fill(pool, drawn, counts)
        counts["selections"] += len(pool.select(BUDGET, "kmedoids", seed=number).picks) > 0
        counts["annotations"] += pool.annotate(drawn / "train" / "labels").done
        counts["searches"] += len(pool.duplicates().groups) >= 0
        pool.export_annotations("png").wait()
        counts["exports"] += 1
        if number % TRAIN_EVERY == 0:
            _train(pool, drawn, counts)
        client.delete("pool", pool.id, now=True)
        counts["pools deleted"] += 1


def _fill(pool: Pool, drawn: Path, counts: Counts) -> None:
    photos = drawn / "train" / "images"
    counts["photos"] += pool.upload(photos).done
    counts["photos"] += pool.upload(drawn / "val" / "images", split="test").done
    first, second = sorted(photos.iterdir())[:2]
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / first.name
        other.write_bytes(second.read_bytes())
        counts["refused photos"] += len(pool.upload(other).rejected)


def _train(pool: Pool, drawn: Path, counts: Counts) -> None:
    model: Model = pool.train("pix2pix", recipe="tiny", total_steps=5).wait().model
    counts["trainings"] += 1
    for photo in sorted((drawn / "val" / "images").iterdir())[:3]:
        model.translate(photo)
        counts["translations"] += 1


def reading(
    client: Client, note: Callable[[Callable[[], object]], None], over: threading.Event, per_second: float
) -> None:
    """Read, at a fixed pace. `note` calls and times each read."""
    while not over.is_set():
        for read in _reads(client):
            note(read)
            if over.wait(1 / per_second):
                return


def _reads(client: Client) -> list[Callable[[], object]]:
    """Reads of the newest pool; it may be deleted while they go on, which is an answer too."""

    def list_pools() -> list[Pool]:
        return list(client.pools())

    def answered(read: Callable[[], object]) -> Callable[[], object]:
        def tried() -> object:
            try:
                return read()
            except FewpairsError as error:
                if error.status not in (404, 410):
                    raise
                return None

        return tried

    pools = list_pools()
    if not pools:
        return [list_pools]
    pool = pools[0]
    return [list_pools, answered(pool.refresh), answered(lambda: next(pool.images(), None))]
