"""Records what the service answered with a 2xx, and checks that all of it is there once."""

import io
import itertools
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from PIL import Image as Picture
from sqlalchemy import select

from store.database import Database
from store.tables import Image, Job, Model, Selection, Shard
from tests.access import WITH_KEY
from tests.drawings import CLASS_TABLE, drawing, png
from tests.processes import until

TINY = {
    **{"load_size": 36, "image_size": 32, "batch_size": 1, "channels": 4, "blocks": 1},
    **{"log_every": 5, "checkpoint_every": 20, "sample_every": 1000},
}
PATIENCE_S = 300
KINDS = ("embed", "select", "train")
"""The kinds of jobs that are counted."""
RESULTS: dict[str, type[Any]] = {"embed": Shard, "select": Selection, "train": Model}
"""What a job of each kind makes one of."""


class Ledger:
    """A client that repeats a request until it is answered, and records the answers."""

    def __init__(self, address: str, database: Database) -> None:
        self._http = httpx.Client(base_url=address, headers=WITH_KEY, timeout=20)
        self._database = database
        self._seeds = itertools.count()
        self.images: dict[str, bytes] = {}
        self.annotations: dict[str, bytes] = {}
        self.jobs: set[str] = set()
        self._unlabelled: list[str] = []
        self._pools: list[uuid.UUID] = []
        self.pool = self._new_pool()

    def close(self) -> None:
        self._http.close()

    def _new_pool(self) -> uuid.UUID:
        name = uuid.uuid4().hex
        self._send("POST", "/pools", (201, 409), json={"name": name, "class_table": CLASS_TABLE})
        [pool] = self._send("GET", "/pools", (200,), params={"name": name}).json()["items"]
        self._pools.append(uuid.UUID(pool["id"]))
        return self._pools[-1]

    def settle(self) -> None:
        """Make a second pool, and wait until its photos are embedded: `select` asks for some of them."""
        self._settled = self._new_pool()
        self._upload(self._settled, 3)
        until(lambda: self.succeeded("embed") == len(self.images), "the embeddings of the settled pool")

    def upload(self, count: int) -> None:
        self._unlabelled += self._upload(self.pool, count)

    def _upload(self, pool: uuid.UUID, count: int) -> list[str]:
        before = len(self.images)
        for seed in itertools.islice(self._seeds, count):
            content = png(drawing(seed)[0])
            image = self._send("PUT", f"/pools/{pool}/images/{seed}.png", (200, 201), content=content)
            self.images[image.json()["id"]] = content
        return list(self.images)[before:]

    def annotate(self, count: int) -> None:
        """Annotate `count` more images. A 412 means that an earlier, unanswered request was carried out."""
        now, self._unlabelled = self._unlabelled[:count], self._unlabelled[count:]
        for image_id in now:
            content = png(drawing(len(self.annotations))[1])
            path, first = f"/images/{image_id}/annotation", {"If-None-Match": "*"}
            self._send("PUT", path, (200, 201, 412), content=content, headers=first)
            self.annotations[image_id] = content

    def train(self, steps: int) -> uuid.UUID:
        body = {"method": "hybrid", "recipe": "tiny", "options": TINY | {"total_steps": steps}}
        key = {"Idempotency-Key": uuid.uuid4().hex}
        job = self._send("POST", f"/pools/{self.pool}/trainings", (202,), json=body, headers=key).json()
        self.jobs.add(job["id"])
        return uuid.UUID(job["id"])

    def select(self, seed: int) -> None:
        """Order a selection from the settled pool; each seed is another one."""
        question: dict[str, str | int] = {"budget": 2, "seed": seed}
        self._send("GET", f"/pools/{self._settled}/select", (200, 202), params=question)

    def upload_once(self) -> None:
        """Send one more photo, which may be refused."""
        [seed] = itertools.islice(self._seeds, 1)
        content = png(drawing(seed)[0])
        try:
            answer = self._http.put(f"/pools/{self.pool}/images/{seed}.png", content=content)
        except httpx.TransportError:
            return
        assert answer.status_code in (201, 503, 507), answer.text
        if answer.is_success:
            self.images[answer.json()["id"]] = content

    def effects(self) -> dict[str, int]:
        """How many results the jobs of each kind have made."""
        ids = {kind: [job.id for job in self.rows(kind)] for kind in KINDS}
        with self._database.read() as session:
            made = {kind: session.scalars(select(table.job_id)).all() for kind, table in RESULTS.items()}
        return {kind: sum(job_id in ids[kind] for job_id in made[kind]) for kind in KINDS}

    def all_rows(self) -> list[Job]:
        return [job for kind in KINDS for job in self.rows(kind)]

    def rows(self, kind: str) -> list[Job]:
        with self._database.read() as session:
            query = select(Job).where(Job.pool_id.in_(self._pools), Job.kind == kind)
            return list(session.scalars(query.order_by(Job.id)))

    def succeeded(self, kind: str) -> int:
        return sum(job.state == "succeeded" for job in self.rows(kind))

    def row(self, job_id: uuid.UUID) -> Job:
        with self._database.read() as session:
            return session.get_one(Job, job_id)

    def all_ended(self) -> bool:
        return all(job.state not in ("queued", "running") for job in self.all_rows())

    def lost(self) -> list[str]:
        """Answered requests whose data is missing or differs from what was sent, and jobs that failed."""
        lost = []
        for id, content in self.images.items():
            if self._send("GET", f"/images/{id}/content", (200, 404)).content != content:
                lost.append(f"image {id}")
        for id, content in self.annotations.items():
            sent = self._send("GET", f"/images/{id}/annotation", (200, 404), params={"original": 1})
            counts = self._send("GET", f"/images/{id}/annotation", (200, 404))
            if (
                sent.content != content
                or counts.status_code == 404
                or pixels(counts.content) != pixels(content)
            ):
                lost.append(f"annotation of {id}")
        rows = {str(job.id): job for job in self.all_rows()}
        lost += [f"job {id}" for id in self.jobs if id not in rows]
        lost += [
            f"{job.kind} job {id}: {job.state} {job.error}" for id, job in rows.items() if not job.result
        ]
        with self._database.read() as session:
            embedded = set(itertools.chain(*session.scalars(select(Shard.image_ids))))
            models = set(session.scalars(select(Model.job_id)))
        lost += [f"embedding of {id}" for id in self.images if uuid.UUID(id).hex not in embedded]
        return lost + [f"model of {id}" for id in self.jobs if uuid.UUID(id) not in models]

    def double(self) -> list[str]:
        """Results that exist twice, and results of attempts that had lost their job."""
        with self._database.read() as session:
            shards = session.scalars(select(Shard).where(Shard.pool_id.in_(self._pools))).all()
            models = session.scalars(select(Model).where(Model.pool_id.in_(self._pools))).all()
            images = {image.id.hex: image for image in session.scalars(select(Image))}
        rows = {job.id: job for job in self.all_rows()}
        rows_of = Counter(id for shard in shards for id in shard.image_ids)
        double = [f"{count} embeddings of {id}" for id, count in rows_of.items() if count > 1]
        for shard in shards:
            stray = [id for id in shard.image_ids if images[id].shard_id != shard.id]
            if stray or str(shard.id) not in (rows[shard.job_id].result or {"shard_ids": []})["shard_ids"]:
                double.append(f"shard {shard.id} is not in its job's result")
        for model in models:
            if (rows[model.job_id].result or {}).get("model_id") != str(model.id):
                double.append(f"model {model.id} is not in its job's result")
        return double

    def _send(self, method: str, path: str, accepted: tuple[int, ...], **options: Any) -> httpx.Response:
        give_up = time.monotonic() + PATIENCE_S
        while True:
            try:
                response = self._http.request(method, path, **options)
                if response.status_code in accepted:
                    return response
                is_away = response.status_code in (503, 507)
                assert is_away, f"{method} {path}: {response.status_code} {response.text}"
            except httpx.TransportError:
                pass
            assert time.monotonic() < give_up, f"{method} {path} was not answered"
            time.sleep(0.1)


def pixels(png: bytes) -> bytes:
    with Picture.open(io.BytesIO(png)) as image:
        return image.tobytes()


def ledger_database(folder: Path, database_url: str) -> Database:
    return Database(database_url or f"sqlite:///{folder / 'data' / 'fewpairs.db'}")
