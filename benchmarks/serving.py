"""Services that a benchmark starts in processes of their own, on a data folder of its own."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from fewpairs.credentials import key_of
from migrations import upgrade
from store.settings import Settings

START_LIMIT_S = 120.0
KEY = secrets.token_hex(32)
"""The administrator's key of every `api`."""
WITH_KEY = {"Authorization": f"Bearer {KEY}"}

Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Service:
    """A running service: `http://127.0.0.1:port`, and the process that was started."""

    address: str
    process: Process

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])


@contextmanager
def api(settings: Settings) -> Iterator[Service]:
    """The API alone, as `python -m service`, on a free port; its administrator has `KEY`."""
    upgrade(settings.database)
    port = free_port()
    values = {
        "FEWPAIRS_DATA_DIR": str(settings.data_dir),
        "FEWPAIRS_DATABASE_URL": settings.database_url,
        "FEWPAIRS_BROKER_URL": settings.broker_url,
        "FEWPAIRS_ADMIN_KEY": KEY,
        "FEWPAIRS_PORT": str(port),
    }
    log = settings.data_dir / "service.log"
    process = _started([sys.executable, "-m", "service"], values, log)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(process, log, lambda: _is_ready(address))
        yield Service(address, process)
    finally:
        _end(process)


@contextmanager
def embedded(folder: Path, **settings: str) -> Iterator[Service]:
    """`fewpairs up` on the folder, with EfficientNet-Lite0 unless the settings name another encoder."""
    service = start_embedded(folder, **settings)
    try:
        yield service
    finally:
        _end(service.process)


def start_embedded(folder: Path, **settings: str) -> Service:
    """`embedded`, in a session of its own, for a caller who ends it."""
    folder.mkdir(parents=True, exist_ok=True)
    note, log = folder / "up.lock", folder.with_name(f"{folder.name}-up.log")
    note.unlink(missing_ok=True)
    values = {"FEWPAIRS_ENCODER": "efficientnet_lite0"}
    values |= {f"FEWPAIRS_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "fewpairs", "up", "--data", str(folder), "--port", "0"]
    process = _started(command, values, log)
    _wait(process, log, lambda: note.exists() and bool(note.read_text()))
    return Service(note.read_text().strip(), process)


def with_key(address: str) -> dict[str, str]:
    """The header that says who asks, of the embedded service at the address."""
    return {"Authorization": f"Bearer {key_of(address)}"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _started(command: list[str], values: Mapping[str, str], log: Path) -> Process:
    with log.open("ab") as out:
        return subprocess.Popen(
            command, env=os.environ | values, stdout=out, stderr=out, start_new_session=True
        )


def _wait(process: Process, log: Path, is_up: Callable[[], bool]) -> None:
    give_up = time.monotonic() + START_LIMIT_S
    while not is_up():
        if process.poll() is not None or time.monotonic() > give_up:
            raise SystemExit(f"The service did not start:\n{log.read_text()}")
        time.sleep(0.1)


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz").is_success
    except httpx.TransportError:
        return False


def _end(process: Process) -> None:
    process.terminate()
    process.wait()
