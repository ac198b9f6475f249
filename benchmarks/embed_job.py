"""Embed jobs as a worker does them: JPEG files → shards in blobs and a SQLite database."""

import logging
import threading
import uuid
from pathlib import Path

import structlog
from PIL import Image

from migrations import upgrade
from store import images, pools, tables
from store.blobs import open_blobs, put_file
from store.database import Database
from store.settings import Settings
from worker.attempt import Tools
from worker.cache.networks import Networks
from worker.run import run


class EmbedJobs:
    """A worker with a data folder of its own."""

    def __init__(self, folder: Path, device: str, resnet50_weights: Path) -> None:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
        self._settings = Settings(data_dir=folder, device=device, resnet50_weights=resnet50_weights)
        upgrade(self._settings.database)
        self._database, self._blobs = Database(self._settings.database), open_blobs(self._settings.blobs)
        loaded = Networks(self._settings, self._database, self._blobs)
        self._tools = Tools(self._settings, self._database, self._blobs, loaded)

    def add_pool(self, encoder: str, photos: list[Path]) -> list[uuid.UUID]:
        """Upload the photos into a new pool; returns the jobs that embed them."""
        new = []
        for index, path in enumerate(photos):
            blob, (width, height) = put_file(self._blobs, path), Image.open(path).size
            new.append(
                tables.Image(
                    name=f"{index}.jpg",
                    split="train",
                    sha256=blob.sha256,
                    size_bytes=blob.size,
                    media_type="image/jpeg",
                    width=width,
                    height=height,
                )
            )
        with self._database.write() as session:
            pool = pools.create(session, name=uuid.uuid4().hex, class_table=None, encoder=encoder)
            added, _ = images.add(session, self._settings, pool.id, new)
            return list(dict.fromkeys(one.image.embed_job_id for one in added))

    def run(self, jobs: list[uuid.UUID]) -> None:
        for job_id in jobs:
            run(job_id, self._tools, threading.Event())

    def close(self) -> None:
        self._database.close()
