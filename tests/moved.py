"""Servers, and a pool with everything that moves between them."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from fewpairs import Client
from models.catalog import build
from store import events, models
from store.blobs import open_blobs, put_file
from store.database import Database
from store.question import Question
from store.settings import Settings
from store.tables import Annotation, Assignment, JobMetric, Model, Selection, new_id
from tests.service.serving import serve
from tests.worker.factories import TINY, Pools, scene
from tests.worker.model_folders import untrained
from tests.worker.planted import planted
from worker.attempt import Tools
from worker.cache.networks import Networks
from worker.run import run


class Server:
    """One server: its store, with a worker that runs jobs when it is told to, and its HTTP API."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self.pools = Pools(tools)

    def done(self, pool_id: uuid.UUID, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        """The result of a new job."""
        job_id = self.pools.job(pool_id, kind, spec)
        run(job_id, self.tools, threading.Event())
        job = self.pools.get(job_id)
        assert job.state == "succeeded", job.error
        assert job.result is not None
        return job.result

    def metrics(self, pool_id: uuid.UUID, model_id: str) -> dict[str, Any]:
        """The scores of the model on the train split, measured anew."""
        spec = {"model_id": model_id, "split": "train", "direction": "photos_to_labels", "scorer": None}
        found: dict[str, Any] = self.done(pool_id, "evaluate", spec)["metrics"]
        return found

    def packed(self, pool_id: uuid.UUID, path: Path) -> Path:
        self.tools.blobs.fetch(self.done(pool_id, "pack", {})["held"], path)
        return path


@contextmanager
def server(folder: Path, database_url: str, encoders: Path) -> Iterator[tuple[Server, Client]]:
    settings = Settings(
        data_dir=folder, database_url=database_url, device="cpu", broker_url="memory://", lease_s=20
    )
    with serve(settings) as http:
        settings.cache_dir.mkdir(exist_ok=True)
        (settings.cache_dir / "encoders").symlink_to(encoders)
        database, blobs = Database(settings.database), open_blobs(settings.blobs)
        tools = Tools(settings, database, blobs, Networks(settings, database, blobs))
        with Client(str(http.base_url)) as client:
            yield Server(tools), client
        database.close()


def full_pool(server: Server, folder: Path, name: str = "streets") -> tuple[uuid.UUID, dict[str, Any], str]:
    """A pool with some of everything. Returns its id, its selection, and the id of its model."""
    pools, database = server.pools, server.tools.database
    pool_id = pools.pool(name=name, default_strategy="kmedoids")
    names = [f"day {n % 2}/{n}.png" for n in range(5)]
    ids = planted(pools, pool_id, np.random.default_rng(0).normal(size=(5, 4)), names=names)
    planted(pools, pool_id, np.random.default_rng(1).normal(size=(2, 4)), "test")
    for image_id, seed in zip(ids[:3], range(3), strict=True):
        pools.annotation(image_id, scene(seed)[1])
    pools.annotation(ids[0], scene(9)[1], revision=2)
    pools.label_map(pool_id, scene(20)[1], source="drawn")
    spec = {"question": asdict(Question(budget=2, strategy="kmedoids", seed=5, balance=True)), "up_to": None}
    selection_id = server.done(pool_id, "select", spec)["selection_id"]
    with database.write() as session:
        newest = session.query(Annotation).filter_by(image_id=ids[1]).one()
        taken_back = {name: getattr(newest, name) for name in ("sha256", "size_bytes", "media_type")}
        session.add(Annotation(image_id=ids[1], revision=2, withdrawn=True, **taken_back))
        events.add(session, pool_id, "withdrawn", "annotation", ids[1], revision=1)
        selection = session.get_one(Selection, uuid.UUID(selection_id)).document
        pick = uuid.UUID(selection["picks"][0]["image_id"])
        session.add(
            Assignment(
                **{"pool_id": pool_id, "selection_id": uuid.UUID(selection_id), "image_id": pick, "rank": 1},
                **{"annotator": "ana", "state": "annotated", "lease_expires_at": pools.now()},
            )
        )
    model_id = _model(server, pool_id, ids[:1], untrained(folder / "model"))
    server.metrics(pool_id, model_id)
    return pool_id, selection, model_id


def _model(server: Server, pool_id: uuid.UUID, pairs: list[uuid.UUID], folder: Path) -> str:
    """A model with the files of the folder, as a training would have made it."""
    job_id = server.pools.training(pool_id, pairs)
    server.pools.end(job_id, "succeeded")
    receipt = {"pairs": [[str(pair), 1] for pair in pairs], "unpaired_photos": 5, "unpaired_label_maps": {}}
    model = Model(
        **{"id": new_id(), "pool_id": pool_id, "job_id": job_id, "method": "hybrid"},
        **{
            "spec": build("tiny", "hybrid", **TINY).to_json(),
            "receipt": receipt | {"losses": {}, "notes": {}},
        },
    )
    files = {path.name: put_file(server.tools.blobs, path) for path in folder.iterdir()}
    with server.tools.database.write() as session:
        models.add(session, model, files)
        session.add(JobMetric(job_id=job_id, step=2, values={"step": 2, "g": 0.5}))
    return str(model.id)
