"""A worker's tools on a real database and real blobs, without a broker."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from migrations import upgrade
from models.translation.export import export_onnx
from store.blobs import open_blobs
from store.database import Database
from store.settings import Settings
from tests.worker.factories import Pools
from worker.attempt import Tools
from worker.cache.networks import Networks


@pytest.fixture(scope="session")
def encoder_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exported encoders, made once for all tests."""
    return tmp_path_factory.mktemp("encoders")


@pytest.fixture(scope="session")
def scorer_onnx(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A segmenter that looks at one pixel at a time: logits of the four classes."""
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    torch.manual_seed(0)
    export_onnx(torch.nn.Conv2d(3, 4, 1), 32, path, learns_classes=True)
    return path.read_bytes()


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use one thread: networks this small are slower on several, above all if the cores are busy."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def settings(tmp_path: Path, database_url: str, encoder_cache: Path) -> Settings:
    settings = Settings(data_dir=tmp_path, database_url=database_url, device="cpu", lease_s=20)
    settings.cache_dir.mkdir()
    (settings.cache_dir / "encoders").symlink_to(encoder_cache)
    return settings


@pytest.fixture
def tools(settings: Settings) -> Iterator[Tools]:
    upgrade(settings.database)
    database, blobs = Database(settings.database), open_blobs(settings.blobs)
    yield Tools(settings, database, blobs, Networks(settings, database, blobs))
    database.close()


@pytest.fixture
def pools(tools: Tools) -> Pools:
    return Pools(tools)


@pytest.fixture
def shutdown() -> threading.Event:
    return threading.Event()
