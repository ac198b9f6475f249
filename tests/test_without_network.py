"""Processes that run what users send reach no network."""

import os
import platform
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONNECT = (
    "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5); print('connected')"
)


def can_leave() -> bool:
    code = "from processes.without_network import leave_network; raise SystemExit(not leave_network())"
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_module_runs_with_its_arguments_and_without_a_network(tmp_path: Path) -> None:
    """It connects to a port of this machine only if it is run in the usual way."""
    if not can_leave():
        pytest.skip("this system lets no process leave the network")
    (tmp_path / "connects.py").write_text(CONNECT)
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = str(listening.getsockname()[1])
        printed = {
            name: subprocess.run(
                [sys.executable, "-m", *module, port], env=environment, capture_output=True, check=False
            )
            for name, module in {
                "as usual": ["connects"],
                "without": ["processes.without_network", "connects"],
            }.items()
        }
    assert printed["as usual"].stdout == b"connected\n"
    assert printed["without"].stdout == b""
    assert b"Network is unreachable" in printed["without"].stderr


@pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() not in ("x86_64", "aarch64"),
    reason="no such filter here",
)
def test_a_process_that_stays_in_the_network_opens_no_socket() -> None:
    """Neither one to an address nor one to a file, and the processes that it starts are no better off."""
    attempts = (
        "import socket\n"
        "for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):\n"
        "    try:\n"
        "        socket.socket(family)\n"
        "    except OSError as error:\n"
        "        print(error.strerror, flush=True)\n"
    )
    code = (
        "import subprocess, sys\n"
        "from processes.without_sockets import forbid_sockets\n"
        "assert forbid_sockets()\n"
        f"exec({attempts!r})\n"
        f"subprocess.run([sys.executable, '-c', {attempts!r}], check=True)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == 6 * ["Network is unreachable"]
