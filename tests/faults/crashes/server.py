"""The server that is killed."""

from pathlib import Path

from store.blobs import open_blobs
from store.database import Database
from store.settings import Settings
from worker.attempt import Tools
from worker.cache.networks import Networks


def on(folder: Path) -> Settings:
    return Settings(
        **{"data_dir": folder, "database_url": "", "broker_url": "memory://", "device": "cpu"},
        **{"lease_s": 20, "answer_wait_s": 0.1, "encoder": "efficientnet_lite0"},
    )


def tools_of(folder: Path) -> Tools:
    settings = on(folder)
    database, blobs = Database(settings.database), open_blobs(settings.blobs)
    return Tools(settings, database, blobs, Networks(settings, database, blobs))
