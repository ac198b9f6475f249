"""The commands that start the service obey its settings, and name wrong ones before anything starts."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import typer

from fewpairs.cli import app
from store.settings import misspelt
from tests.access import WITH_KEY
from tests.fewpairs.conftest import UP_ENVIRONMENT
from tests.processes import answers, free_port, processes, until


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "fewpairs", *words]


@pytest.mark.parametrize("words", [["up"], ["migrate"], ["demo"]])
def test_a_wrong_setting_is_named_before_anything_starts(words: list[str], tmp_path: Path) -> None:
    """Each wrong variable has one line, with its value and what it may be; nothing is written."""
    ended = subprocess.run(
        command(*words),
        env=os.environ | {"FEWPAIRS_MAX_IMAGE_PIXELS": "900000000", "FEWPAIRS_BLOB_URL": "s3://x"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert [line.removeprefix("✗ ") for line in ended.stderr.splitlines()] == [
        "FEWPAIRS_BLOB_URL=s3://x: give a folder as file:///ABSOLUTE/FOLDER.",
        "FEWPAIRS_MAX_IMAGE_PIXELS=900000000: give a whole number, at least 1 and at most 250000000.",
    ]
    assert list(tmp_path.iterdir()) == []


def test_up_obeys_host_port_and_broker_and_warns_of_misspelt_names(tmp_path: Path) -> None:
    """`up` listens where the environment says and starts no broker of its own when it is given one.

    A given broker that does not answer is reported, and the service is ready all the same.
    """
    port, nobody = free_port(), free_port()
    environment = UP_ENVIRONMENT | {
        "FEWPAIRS_DATA_DIR": str(tmp_path / "data"),
        "FEWPAIRS_HOST": "127.0.0.2",
        "FEWPAIRS_PORT": str(port),
        "FEWPAIRS_BROKER_URL": f"redis://me:secret@127.0.0.1:{nobody}/0",
        "FEWPAIRS_PROT": "1",
    }
    log = tmp_path / "log" / "0.log"
    with processes([(command("up"), environment)], tmp_path / "log") as [process]:
        address = f"http://127.0.0.2:{port}/readyz"
        until(lambda: "Broker " in log.read_text() or process.poll() is not None, "the broker is reported")
        until(lambda: answers(address) or process.poll() is not None, "the service is ready")
        answer = httpx.get(address, headers=WITH_KEY, timeout=60)
        started = [child.cmdline() for child in psutil.Process(process.pid).children()]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    text = log.read_text()
    assert answer.is_success, text
    assert answer.json()["broker"] != "ok"
    assert started
    assert not [words for words in started if "valkey" in words[0]]
    assert "FEWPAIRS_PROT is no setting and is ignored: did you mean FEWPAIRS_PORT?" in text
    assert f"Broker redis://***@127.0.0.1:{nobody}/0: does not answer" in text
    assert "secret" not in re.sub("consumer: .*", "", text)


def test_options_win_over_the_environment(tmp_path: Path) -> None:
    """A port and a folder that are given as options are used, whatever the environment says."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            command("up", "--port", port, "--host", "127.0.0.1", "--data", str(tmp_path / "other")),
            env=os.environ | {"FEWPAIRS_PORT": "abc", "FEWPAIRS_HOST": "nowhere.invalid"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 1
    assert f"port {port} of 127.0.0.1" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_a_data_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    """The folder is named, with the option and the variable that give another."""
    (tmp_path / "file").touch()
    ended = subprocess.run(
        command("up"),
        env=os.environ | {"FEWPAIRS_DATA_DIR": str(tmp_path / "file" / "data")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"✗ The data folder {tmp_path}/file/data cannot be made")
    assert "FEWPAIRS_DATA_DIR" in ended.stderr


def test_the_command_lines_own_variables_are_known() -> None:
    """No variable that an option reads is reported as misspelt."""
    group: Any = typer.main.get_command(app)
    variables = set()
    for named in group.commands.values():
        for inner in getattr(named, "commands", {"": named}).values():
            variables |= {param.envvar for param in inner.params if param.envvar}
    assert {"FEWPAIRS_SERVER", "FEWPAIRS_POOL"} <= variables
    assert list(misspelt(dict.fromkeys(variables, "x"))) == []
