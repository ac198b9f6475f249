"""A worker embeds, selects, removes a deleted photo and packs the pool."""

import threading
from pathlib import Path

from sqlalchemy import select, update

from migrations import upgrade
from models.encoders import load_encoder
from store import jobs
from store.clock import from_now
from store.tables import Image, Job, Selection, Shard
from tests.faults.crashes.server import on, tools_of
from tests.faults.crashing import step
from tests.worker.factories import Pools, scene
from worker.run import run


def prepare(folder: Path) -> None:
    upgrade(on(folder).database)
    load_encoder("efficientnet_lite0", device="cpu", cache_dir=folder / "cache" / "encoders")
    pools = Pools(tools_of(folder))
    pool_id = pools.pool()
    _, [_, _, gone] = pools.photos(pool_id, [scene(seed)[0] for seed in range(3)])
    question = {"budget": 1, "strategy": "kmedoids", "seed": 0}
    pools.job(pool_id, "select", {"question": question, "up_to": None})
    with pools.tools.database.write() as session:
        session.execute(update(Image).where(Image.id == gone).values(gone_at=from_now(0)))
    pools.job(pool_id, "delete", {})
    pools.job(pool_id, "pack", {})


def act(folder: Path) -> None:
    tools = tools_of(folder)
    with tools.database.write() as session:  # what a sweep does when the lease of a dead worker is over
        session.execute(update(Job).where(Job.state == "running").values(lease_expires_at=from_now(-1)))
        jobs.sweep(session, ring_again_s=0)
    with tools.database.read() as session:
        waiting = session.execute(select(Job.id, Job.kind).where(Job.state == "queued")).all()
    for job_id, kind in sorted(waiting):
        step(kind)
        run(job_id, tools, threading.Event())


def check(folder: Path) -> None:
    """A job has ended with its result, or has none."""
    with tools_of(folder).database.read() as session:
        for job in session.scalars(select(Job)):
            assert (job.state == "succeeded") == (job.result is not None)
        ended = {job.kind for job in session.scalars(select(Job)) if job.state == "succeeded"}
        assert len(session.scalars(select(Selection)).all()) == ("select" in ended)


def check_end(folder: Path) -> None:
    with tools_of(folder).database.read() as session:
        assert {job.state for job in session.scalars(select(Job))} == {"succeeded"}
        assert len(session.scalars(select(Selection)).all()) == 1
        [shard] = session.scalars(select(Shard)).all()
        assert sorted(shard.image_ids) == sorted(id.hex for id in session.scalars(select(Image.id)))
        assert len(shard.image_ids) == 2
