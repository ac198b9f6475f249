"""Runs the whole service on this machine, from one data folder: what `fewpairs up` does."""

import fcntl
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import httpx
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from fewpairs.embedded.broker import LOOPBACK, broker_command
from fewpairs.embedded.encoder import choose_encoder
from fewpairs.embedded.log_lines import readable
from fewpairs.embedded.process_manager import ProcessManager, Program
from fewpairs.embedded.settings import Settings, read_settings
from fewpairs.errors import FewpairsError

START_LIMIT_S = 60.0
LONGEST_LOOK_S = 10.0
"""Longest wait for an answer of /readyz, which first asks the broker, for some seconds."""
CRASHES_AT_START = 3
COLOURS = {"broker": "magenta", "api": "green", "worker-cpu": "cyan", "worker-gpu": "blue"}


def serve(data: Path | None, host: str | None, port: int | None, console: Console) -> None:
    """Serve until a stop signal, with the settings of the environment. The arguments win over them.

    Raises FewpairsError if a setting is wrong or the service cannot start.
    """
    options = {"FEWPAIRS_DATA_DIR": data, "FEWPAIRS_HOST": host, "FEWPAIRS_PORT": port}
    given = {name: str(value) for name, value in options.items() if value is not None}
    settings = read_settings(os.environ | given, console)
    folder = _folder(Path(settings.values["data_dir"]))
    with _only_one(folder) as note:
        host, port = settings.values["host"], _bindable(settings.values["host"], settings.values["port"])
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        own_broker_port = None if "broker_url" in settings.given else _bindable(LOOPBACK, 0)
        environment = _environment(settings, folder, port, own_broker_port)
        _migrate(environment)
        choose_encoder(environment, console)
        with ProcessManager(folder / "logs", lambda name, line: _show(console, name, line)) as manager:
            _start(manager, folder, environment, own_broker_port)
            if _wait_until_ready(manager, address):
                note.write(address)
                note.flush()
                _welcome(console, address, folder)
                if own_broker_port is None:
                    _report_broker(console, address, settings.values["broker_url"])
                manager.run()
            console.print("Stopping …")
        console.print("Stopped.")


def _folder(data: Path) -> Path:
    try:
        data.mkdir(parents=True, exist_ok=True)
        return data.absolute()
    except OSError as error:
        raise FewpairsError(
            f"The data folder {data} cannot be made ({error.strerror}): give another with --data or "
            "FEWPAIRS_DATA_DIR."
        ) from error


@contextmanager
def _only_one(data: Path) -> Iterator[TextIO]:
    """Lock the data folder, and yield the file that tells other processes the address."""
    with (data / "up.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            where = file.read().strip()
            raise FewpairsError(
                f"{data} is in use by another service{f' at {where}' if where else ''}: use that service, or "
                "give another folder with --data."
            ) from None
        file.truncate(0)
        yield file
        file.truncate(0)


def _bindable(host: str, port: int) -> int:
    """The port, or a free one for 0. Raises FewpairsError if nothing can listen there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise FewpairsError(
                f"The service cannot listen at port {port} of {host} ({error.strerror}): give another port "
                "with --port or FEWPAIRS_PORT (0: any free one), or another address with --host or "
                "FEWPAIRS_HOST."
            ) from error
        return int(probe.getsockname()[1])


def _environment(settings: Settings, data: Path, port: int, own_broker_port: int | None) -> dict[str, str]:
    ours: dict[str, object] = {"data_dir": data, "port": port}
    if own_broker_port:
        ours["broker_url"] = f"redis://{LOOPBACK}:{own_broker_port}/0"
    # Both workers share the cores: threads that spin while they wait make the other worker four times slower.
    base = {"OMP_WAIT_POLICY": "PASSIVE"} | os.environ | {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
    return settings.environment(base, **ours)


def _migrate(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "migrations"], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-5:]
        raise FewpairsError("\n".join(["The database could not be brought to the newest schema:", *last]))


def _start(
    manager: ProcessManager, data: Path, environment: dict[str, str], own_broker_port: int | None
) -> None:
    python = [sys.executable, "-m"]
    commands = {
        "api": [*python, "service"],
        "worker-cpu": [*python, "worker", "--queues", "cpu,embed"],
        "worker-gpu": [*python, "worker", "--queues", "gpu"],
    }
    if own_broker_port:
        commands = {"broker": broker_command(data / "broker", str(own_broker_port))} | commands
    for name, command in commands.items():
        manager.start(Program(name, command, environment, logs_only=name == "broker"))


def _wait_until_ready(manager: ProcessManager, address: str) -> bool:
    """True when the API answers, False after a stop signal. Raises FewpairsError if it cannot start."""
    give_up = time.monotonic() + START_LIMIT_S

    def ready() -> bool:
        broken = [c.program.name for c in manager.children if c.crashes >= CRASHES_AT_START]
        if broken or time.monotonic() > give_up:
            what = " and ".join(broken) or "The API"
            raise FewpairsError(f"{what} did not start: see the lines above and the logs folder.")
        try:
            return _readiness(address).is_success
        except httpx.TransportError:
            return False

    return manager.run(until=ready)


def _readiness(address: str) -> httpx.Response:
    return httpx.get(f"{address}/readyz", timeout=LONGEST_LOOK_S, trust_env=False)


def _report_broker(console: Console, address: str, url: str) -> None:
    """Say which broker is used, and whether it answers."""
    hidden = re.sub(r"//.*@", "//***@", url)
    try:
        state = _readiness(address).json()["broker"]
    except (httpx.TransportError, ValueError, KeyError):
        state = "its state is not known"
    style = "" if state == "ok" else "yellow"
    console.print(Text(f"Broker {hidden}: {state}", style=style), soft_wrap=True)


def _welcome(console: Console, address: str, data: Path) -> None:
    lines = Text.assemble(
        ("Fewpairs is ready\n\n", "bold green"),
        ("  API     ", "bold"),
        f"{address}\n",
        ("  Docs    ", "bold"),
        f"{address}/docs\n",
        ("  Data    ", "bold"),
        f"{data}\n",
        ("  Logs    ", "bold"),
        f"{data / 'logs'}\n\n",
        "Ctrl-C stops everything; the data folder stays.",
    )
    console.print(Panel(lines, border_style="green", expand=False), soft_wrap=True)


def _show(console: Console, name: str, line: str) -> None:
    if text := readable(line):
        console.print(Text(f"{name:<10} │ ", style=COLOURS[name]) + text, soft_wrap=True)
