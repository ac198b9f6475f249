"""`GET /select` over HTTP: the first call of a question and repeats, on a pool of synthetic embeddings.

    python -m benchmarks.select_over_http --images 10000 --firsts 20 --repeats 300

The service is the one that `fewpairs up` starts: API, workers, Valkey and SQLite. Before it starts, rows
and shards are written into its data folder. Images have no bytes, because a selection never reads them.
Embeddings are float16 with 2,048 numbers around 200 centres. Their variance along the n-th principal
direction falls with n^−1.25, as it does on CamVid (n^−1.27) and Maps (n^−1.25) with EfficientNet-Lite0.
Every first call has a new seed, and repeats of earlier questions follow it, so that both kinds meet the
same machine. The very first call, in which the worker maps the embeddings, is reported separately.
"""

import argparse
import io
import os
import platform
import statistics
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import httpx
import numpy as np

from benchmarks.measuring import say, table, write_json
from benchmarks.serving import embedded, with_key
from migrations import upgrade
from store import blobs, embeddings, jobs, pools
from store.database import Database
from store.settings import Settings
from store.tables import Image, new_id

DIMENSION, CENTRES, SHARD = 2048, 200, 256
SPECTRUM = np.arange(1, DIMENSION + 1) ** (-1.25 / 2)
GOALS = {"first": 1.5, "repeat": 0.02}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--tests", type=int, default=0, help="test images, to which no pick may be too near")
    parser.add_argument("--budget", type=int, default=10)
    parser.add_argument("--firsts", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=300)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="select-over-http-") as folder:
        pool_id = filled_pool(Path(folder), "synthetic", options.images, options.tests)
        small = filled_pool(Path(folder), "small", 20, 0)
        with (
            # A slow call is measured to its end and not answered with 202.
            embedded(Path(folder) / "data", answer_wait_s="60") as service,
            httpx.Client(base_url=service.address, headers=with_key(service.address), timeout=600) as client,
        ):
            client.get(f"/pools/{small}/select", params={"budget": 1})  # until the workers have started
            ask = f"/pools/{pool_id}/select"
            report = measured(client, ask, options.budget, options.firsts, options.repeats)
    report |= {name: getattr(options, name) for name in ("images", "tests", "budget")}
    report |= {"cores": os.cpu_count(), "machine": platform.machine(), "goals": GOALS}
    show(report)
    if options.out:
        write_json(options.out, report)


def filled_pool(folder: Path, name: str, images: int, tests: int) -> uuid.UUID:
    """Add a pool with `images` embedded train images and `tests` embedded test images; returns its id."""
    settings = Settings(data_dir=folder)
    upgrade(settings.database)
    database, store = Database(settings.database), blobs.open_blobs(settings.blobs)
    rng = np.random.default_rng(0)
    centres = SPECTRUM * rng.normal(size=(CENTRES, DIMENSION))
    with database.write() as session:
        pool_id = pools.create(session, name=name, class_table=None, encoder="resnet50").id
        embeddings.accept_weights(session, pool_id, "0" * 64)
    for split, count in (("train", images), ("test", tests)):
        for start in range(0, count, SHARD):
            size = min(SHARD, count - start)
            around = 0.7 * SPECTRUM * rng.normal(size=(size, DIMENSION))
            nearby = centres[rng.integers(CENTRES, size=size)] + around
            content = io.BytesIO()
            np.save(content, nearby.astype(np.float16))
            sha256 = blobs.put(store, [content.getvalue()]).sha256
            _add_shard(database, settings, pool_id, split, start, size, sha256)
    database.close()
    return pool_id


def _add_shard(
    database: Database, settings: Settings, pool_id: uuid.UUID, split: str, start: int, size: int, sha256: str
) -> None:
    with database.write() as session:
        job = jobs.create(session, settings, kind="embed", pool_id=pool_id, spec={}, total=size)
        job.state = "succeeded"
        session.flush()
        ids = [new_id() for _ in range(size)]
        values = {"pool_id": pool_id, "split": split, "size_bytes": 1, "media_type": "image/jpeg"}
        values |= {"width": 480, "height": 360, "embed_job_id": job.id}
        names = (f"{split}-{start + n:07d}.jpg" for n in range(size))
        session.add_all(
            Image(id=id, name=name, sha256=id.hex * 2, **values) for id, name in zip(ids, names, strict=True)
        )
        session.flush()
        embeddings.add_shard(
            session, id=new_id(), pool_id=pool_id, job_id=job.id, sha256=sha256, image_ids=ids
        )


def measured(client: httpx.Client, ask: str, budget: int, firsts: int, repeats: int) -> dict[str, object]:
    """Seconds of the very first call, of first calls of a question, and of its repeats."""

    def seconds(seed: int) -> float:
        begun = time.perf_counter()
        answer = client.get(ask, params={"budget": budget, "seed": seed})
        taken = time.perf_counter() - begun
        if answer.status_code != 200:
            raise SystemExit(f"{answer.status_code}: {answer.text}")
        return taken

    cold = seconds(0)
    first: list[float] = []
    again: list[float] = []
    for seed in range(1, firsts + 1):
        first.append(seconds(seed))
        again += [seconds(seed - n % seed) for n in range(repeats // firsts)]
    return {"cold": cold, "first": _summary(first), "repeat": _summary(again)}


def _summary(seconds: Sequence[float]) -> dict[str, float]:
    return {
        "calls": len(seconds),
        "median": statistics.median(seconds),
        "p99": float(np.quantile(seconds, 0.99)),
        "longest": max(seconds),
    }


def show(report: dict[str, object]) -> None:
    rows = []
    for name, goal in GOALS.items():
        summary = report[name]
        assert isinstance(summary, dict)
        seconds = {f"{key}_ms": 1000 * summary[key] for key in ("median", "p99", "longest")}
        rows.append({"call": name, "calls": int(summary["calls"]), **seconds, "goal_ms": 1000 * goal})
    say(f"GET /select?budget={report['budget']}, {report['images']:,} images\n{table(rows)}")
    say(f"The very first call, which maps the embeddings: {report['cold']:.2f} s")


if __name__ == "__main__":
    main()
