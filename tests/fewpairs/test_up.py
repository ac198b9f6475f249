"""`fewpairs up`: one command, several processes, none left behind."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
import redis
from typer.testing import CliRunner

from fewpairs import Client
from fewpairs.cli import app
from tests.fewpairs.conftest import UP_ENVIRONMENT, up_command
from tests.processes import answers, free_port, processes, until


@dataclass(frozen=True)
class Up:
    address: str
    process: psutil.Process
    log: Path

    def children(self) -> dict[str, psutil.Process]:
        """The living children by name: broker, service, and the queues of the workers."""
        found = {}
        for process in self.process.children():
            with suppress(psutil.NoSuchProcess):  # it ended since it was listed
                if words := process.cmdline():
                    found["broker" if "valkey" in words[0] else words[-1]] = process
        return found

    def everything(self) -> list[psutil.Process]:
        """The children and every process that they have started."""
        return self.process.children(recursive=True)


@contextmanager
def serving(folder: Path) -> Iterator[Up]:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with processes([(up_command(folder / "data", port), UP_ENVIRONMENT)], folder / "up") as [process]:
        up = Up(address, psutil.Process(process.pid), folder / "up" / "0.log")
        ready = "Fewpairs is ready"
        until(lambda: ready in up.log.read_text() or process.poll() is not None, ready)
        assert process.poll() is None, up.log.read_text()
        yield up


def gone(all_of_them: list[psutil.Process]) -> bool:
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in all_of_them)


def test_ctrl_c_stops_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGINT ends `up` with exit code 0 and all of its processes; the logs and the broker's file stay.

    While it runs, this machine's user is let in by a token in the data folder, without a login, and nobody
    else is, nor by the broker; nor may others read the folder.
    """
    for name in ("FEWPAIRS_ADMIN_KEY", "FEWPAIRS_API_KEY"):
        monkeypatch.delenv(name)
    token = tmp_path / "data" / "token.json"
    with serving(tmp_path) as up:
        assert httpx.get(f"{up.address}/pools").status_code == 401
        assert list(Client(up.address).pools()) == []
        assert list(Client(up.address.replace("127.0.0.1", "localhost")).pools()) == []
        assert [path.stat().st_mode & 0o777 for path in (token.parent, token)] == [0o700, 0o600]
        assert f"{up.address}/session?token=" in up.log.read_text()
        assert up.children().keys() == {"broker", "service", "suggest", "cpu,embed", "gpu"}
        [broker] = {
            at.laddr.port for at in up.children()["broker"].net_connections() if at.status == "LISTEN"
        }
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=broker).ping()
        everything = up.everything()
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(60) == 0
        assert gone(everything)
        assert not answers(up.address)
        assert not token.exists()
    text = up.log.read_text()
    assert up.address in text
    assert f"{up.address}/docs" in text
    assert text.rstrip().endswith("Stopped.")
    assert "Traceback" not in text
    assert {path.stem for path in (tmp_path / "data" / "logs").iterdir()} >= {
        "api",
        "worker-suggest",
        "worker-cpu",
        "worker-trainings",
    }
    assert (tmp_path / "data" / "broker" / "appendonlydir").is_dir()


def test_crashes_are_survived_and_kill_leaves_no_orphan(tmp_path: Path) -> None:
    """A killed API and a killed broker are restarted; kill -9 of `up` ends all other processes."""
    with serving(tmp_path) as up:
        before = up.children()
        before["service"].kill()
        before["broker"].kill()
        back = before.keys()
        until(lambda: up.children().keys() == back and answers(f"{up.address}/readyz"), "all are back")
        after, everything = up.children(), up.everything()
        assert after["service"].pid != before["service"].pid
        assert after["broker"].pid != before["broker"].pid
        assert after["gpu"].pid == before["gpu"].pid
        up.process.kill()
        up.process.wait(10)
        until(lambda: gone(everything), "no process is left", seconds=10)


def test_a_data_folder_is_served_once(server: str, data_folder: Path) -> None:
    """A second `up` on the same folder is refused with a sentence that gives the address of the first."""
    until(lambda: server in (data_folder / "up.lock").read_text(), "the address is noted")
    result = CliRunner().invoke(app, ["up", "--data", str(data_folder), "--port", "0"])
    assert result.exit_code == 1
    assert result.output.startswith("✗ ")
    assert server in result.output


def test_a_taken_port_is_a_sentence(server: str, tmp_path: Path) -> None:
    """The sentence names a port that another program uses, and says how to give another."""
    port = server.rpartition(":")[2]
    result = CliRunner().invoke(app, ["up", "--data", str(tmp_path), "--port", port])
    assert result.exit_code == 1
    assert port in result.output
    assert "--port" in result.output


def test_missing_resnet50_weights_are_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the weights, `up` says that all works with another encoder, and names the missing file."""
    monkeypatch.setenv("FEWPAIRS_RESNET50_WEIGHTS", str(tmp_path / "nowhere.pth"))
    monkeypatch.delitem(UP_ENVIRONMENT, "FEWPAIRS_ENCODER")
    with serving(tmp_path) as up:
        text = up.log.read_text()
        assert "nowhere.pth" in text
        assert "efficientnet_lite0" in text
        assert "everything works" in " ".join(text.split())
