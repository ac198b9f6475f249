"""Runs the whole service on this machine, from one data folder: what `fewpairs up` does."""

import fcntl
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import TextIO

import httpx
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from fewpairs.credentials import key_of, remove_token, write_token
from fewpairs.embedded.broker import LOOPBACK, broker_command
from fewpairs.embedded.browser import PAGE, open_pages
from fewpairs.embedded.encoder import choose_encoder
from fewpairs.embedded.log_lines import readable
from fewpairs.embedded.process_manager import ProcessManager, Program
from fewpairs.embedded.settings import Settings, read_settings
from fewpairs.errors import FewpairsError

START_LIMIT_S = 180.0
"""For a program that hangs; one that cannot start ends, which is seen at once. Busy machines take minutes."""
LONGEST_LOOK_S = 10.0
"""Longest wait for an answer of /readyz, which first asks the broker, for some seconds."""
CRASHES_AT_START = 3
COLOURS = {
    **{"broker": "magenta", "api": "green"},
    **{"worker-suggest": "yellow", "worker-cpu": "cyan", "worker-trainings": "blue"},
}


def serve(
    data: Path | None, host: str | None, port: int | None, console: Console, *, in_browser: bool = True
) -> None:
    """Serve until a stop signal, with the settings of the environment. The arguments win over them. The pages
    are opened in the user's browser, if there is one and `in_browser` is true.

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
        password = secrets.token_urlsafe(32)
        environment = _environment(settings, folder, port, own_broker_port, password)
        _migrate(environment)
        if not _is_loopback(host):
            _require_admin(environment)
        choose_encoder(environment, console)
        with (
            _token(settings, folder, address) as token,
            ProcessManager(folder / "logs", lambda name, line: _show(console, name, line)) as manager,
        ):
            if own_broker_port:
                broker = broker_command(folder / "broker", str(own_broker_port), password)
                manager.start(Program("broker", broker, environment, logs_only=True))
            _start(manager, environment, token)
            if _wait_until_ready(manager, address):
                note.write(address)
                note.flush()
                _welcome(console, address, folder, token)
                if in_browser:
                    open_pages(folder, _pages(address, token))
                if own_broker_port is None:
                    _report_broker(console, address, settings.values["broker_url"])
                manager.run()
            console.print("Stopping …")
        console.print("Stopped.")


def _folder(data: Path) -> Path:
    """The data folder; a new one is for this user alone."""
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
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


@contextmanager
def _token(settings: Settings, data: Path, address: str) -> Iterator[str]:
    """A new token that lets this machine's user in while the service runs; empty if others reach the service,
    who need accounts.
    """
    if not _is_loopback(settings.values["host"]):
        yield ""
        return
    token = secrets.token_urlsafe(32)
    write_token(data, address, token)
    try:
        yield token
    finally:
        remove_token(data)
        (data / PAGE).unlink(missing_ok=True)


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _environment(
    settings: Settings, data: Path, port: int, own_broker_port: int | None, password: str
) -> dict[str, str]:
    ours: dict[str, object] = {"data_dir": data, "port": port}
    if own_broker_port:
        ours["broker_url"] = f"redis://:{password}@{LOOPBACK}:{own_broker_port}/0"
    # Both workers share the cores: threads that spin while they wait make the other worker four times slower.
    base = {"OMP_WAIT_POLICY": "PASSIVE"} | os.environ | {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
    return settings.environment(base, **ours)


def _migrate(environment: dict[str, str]) -> None:
    done = _ended(environment, "migrations")
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-5:]
        raise FewpairsError("\n".join(["The database could not be brought to the newest schema:", *last]))


def _require_admin(environment: dict[str, str]) -> None:
    """Raise FewpairsError if nobody may use the service."""
    done = _ended(environment, "service.access")
    if done.returncode != 0:
        raise FewpairsError(done.stderr.strip())


def _ended(environment: dict[str, str], module: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", module]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _start(manager: ProcessManager, environment: dict[str, str], token: str) -> None:
    python = [sys.executable, "-m"]
    commands = {
        "api": [*python, "service"],
        "worker-suggest": [*python, "worker", "--queues", "suggest"],
        "worker-cpu": [*python, "worker", "--queues", "cpu,embed"],
        "worker-trainings": [*python, "worker", "--queues", "gpu"],
    }
    for name, command in commands.items():
        secret = {"FEWPAIRS_LOCAL_TOKEN": token} if name == "api" else {}
        manager.start(Program(name, command, environment | secret))


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
    shown = {"Authorization": f"Bearer {key}"} if (key := key_of(address)) else {}
    return httpx.get(f"{address}/readyz", headers=shown, timeout=LONGEST_LOOK_S, trust_env=False)


def _report_broker(console: Console, address: str, url: str) -> None:
    """Say which broker is used, and whether it answers."""
    hidden = re.sub(r"//.*@", "//***@", url)
    try:
        state = _readiness(address).json()["broker"] or "its state is not known"
    except (httpx.TransportError, ValueError, KeyError):
        state = "its state is not known"
    style = "" if state == "ok" else "yellow"
    console.print(Text(f"Broker {hidden}: {state}", style=style), soft_wrap=True)


def _welcome(console: Console, address: str, data: Path, token: str) -> None:
    lines = Text.assemble(
        ("Fewpairs is ready\n\n", "bold green"),
        ("  Open    ", "bold"),
        f"{_pages(address, token)}\n",
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


def _pages(address: str, token: str) -> str:
    """What to open in a browser. The token logs it in."""
    return f"{address}/session?token={token}" if token else address


def _show(console: Console, name: str, line: str) -> None:
    if text := readable(line):
        console.print(Text(f"{name:<10} │ ", style=COLOURS[name]) + text, soft_wrap=True)
