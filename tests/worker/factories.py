"""Pools with photos, label maps and jobs, put straight into the store."""

import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from models.catalog import METHODS
from store import blobs, clock, jobs, models
from store.tables import Annotation, Image, Job, LabelMap, Model, Pool, new_id
from tests.drawings import CLASS_TABLE, HEIGHT, WIDTH, drawing, png
from worker.attempt import Tools

TINY = {
    **{"total_steps": 4, "load_size": 36, "image_size": 32, "batch_size": 1, "channels": 4, "blocks": 1},
    **{"log_every": 1, "checkpoint_every": 2, "sample_every": 1000},
}
"""Options of a training that takes a second or two."""


def scene(seed: int) -> tuple[bytes, bytes]:
    """A photo and its label map, as PNG."""
    photo, label_map = drawing(seed)
    return png(photo), png(label_map)


class Pools:
    """Adds rows to the tables directly, the same rows as the service would add."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def pool(self, **values: Any) -> uuid.UUID:
        defaults = {"name": uuid.uuid4().hex, "class_table": CLASS_TABLE, "encoder": "efficientnet_lite0"}
        return self._add(Pool(**defaults | values))

    def job(self, pool_id: uuid.UUID | None, kind: str, spec: dict[str, Any], **values: Any) -> uuid.UUID:
        with self.tools.database.write() as session:
            job = jobs.create(session, self.tools.settings, kind=kind, pool_id=pool_id, spec=spec)
            for name, value in values.items():
                setattr(job, name, value)
        return job.id

    def photos(
        self, pool_id: uuid.UUID, contents: list[bytes], split: str = "train"
    ) -> tuple[uuid.UUID, list[uuid.UUID]]:
        """Add images with their embed job. Returns the id of the job and the ids of the images."""
        job_id = self.job(pool_id, "embed", {}, total=len(contents))
        ids = [
            self._add(
                Image(
                    **{"pool_id": pool_id, "name": f"{uuid.uuid4().hex}.png", "split": split, "width": WIDTH},
                    **{"height": HEIGHT, "embed_job_id": job_id, **self._bytes(content)},
                )
            )
            for content in contents
        ]
        return job_id, ids

    def annotation(self, image_id: uuid.UUID, content: bytes, revision: int = 1) -> None:
        self._add(Annotation(image_id=image_id, revision=revision, **self._bytes(content)))

    def label_map(self, pool_id: uuid.UUID, content: bytes, source: str = "upload") -> None:
        values = {"pool_id": pool_id, "name": f"{uuid.uuid4().hex}.png", "width": WIDTH, "height": HEIGHT}
        self._add(LabelMap(source=source, **values, **self._bytes(content)))

    def model(self, pool_id: uuid.UUID, folder: Path, method: str = "hybrid") -> uuid.UUID:
        """Add a model with the files of the folder. Returns its id."""
        model = Model(id=new_id(), pool_id=pool_id, name=uuid.uuid4().hex, method=method, spec={}, receipt={})
        files = {path.name: blobs.put_file(self.tools.blobs, path) for path in folder.iterdir()}
        with self.tools.database.write() as session:
            models.add(session, model, files)
        return model.id

    def annotated(self, pool_id: uuid.UUID, count: int, split: str = "train") -> list[uuid.UUID]:
        scenes = [scene(seed) for seed in range(count)]
        _, ids = self.photos(pool_id, [photo for photo, _ in scenes], split)
        for image_id, (_, label_map) in zip(ids, scenes, strict=True):
            self.annotation(image_id, label_map)
        return ids

    def training(self, pool_id: uuid.UUID, images: list[uuid.UUID], **options: Any) -> uuid.UUID:
        method, sources = options.pop("method", "hybrid"), options.pop("label_sources", None)
        used = {name: value for name, value in TINY.items() if name not in METHODS[method].unused}
        spec = {
            "method": method,
            "recipe": "tiny",
            "options": used | options,
            "pairs": [[str(id), 1] for id in images],
            "label_sources": sources,
            "missing_classes": ["fence"],
        }
        return self.job(pool_id, "train", spec)

    def end(self, job_id: uuid.UUID, state: str) -> None:
        """End a job without a result."""
        with self.tools.database.write() as session:
            session.get_one(Job, job_id).state = state

    def get(self, job_id: uuid.UUID) -> Job:
        with self.tools.database.read() as session:
            job = jobs.get(session, job_id)
        assert job
        return job

    def now(self) -> datetime:
        """The time of the database's clock."""
        with self.tools.database.read() as session:
            return clock.now(session)

    def content(self, content: bytes) -> str:
        """Keep the bytes as a blob. Returns their digest."""
        return blobs.put(self.tools.blobs, [content]).sha256

    def _bytes(self, content: bytes) -> dict[str, Any]:
        blob = blobs.put(self.tools.blobs, [content])
        return {"sha256": blob.sha256, "size_bytes": blob.size, "media_type": "image/png"}

    def _add(self, row: Any) -> uuid.UUID:
        with self.tools.database.write() as session:
            session.add(row)
        return uuid.UUID(str(row.id))
