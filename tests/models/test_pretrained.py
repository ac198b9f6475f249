"""Downloads of weights from servers that do not answer, answer slowly, or stop."""

import hashlib
import importlib
import logging
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest

from models import pretrained
from models.encoders.timm_networks import hub_weights
from models.pretrained import WeightsUnavailable, hub_file
from tests.models.encoding import TIMM
from tests.processes import free_port

timm = importlib.import_module("timm")  # after the encoders, which repair the torchvision that timm imports

WEIGHTS = bytes(range(256)) * 4000
FILE = f"weights-{hashlib.sha256(WEIGHTS).hexdigest()[:8]}.pth"
HEAD = f"HTTP/1.0 200 OK\r\nContent-Length: {len(WEIGHTS)}\r\n\r\n".encode()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """PyTorch's hub cache, empty."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path / "hub" / "checkpoints"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a test can wait for."""
    monkeypatch.setattr(pretrained, "OPEN_LIMIT_S", 0.2)
    monkeypatch.setattr(pretrained, "SILENCE_LIMIT_S", 1.0)
    monkeypatch.setattr(pretrained, "PATIENCE_S", 0.2)


@contextmanager
def server(behave: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server that does what `behave` does with a connection once it was asked; the event ends the test."""
    over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(4096)
            with suppress(OSError):
                behave(self.request, over)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as tcp:
        tcp.daemon_threads = True
        thread = threading.Thread(target=tcp.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{tcp.server_address[1]}"
        finally:
            over.set()
            tcp.shutdown()
            thread.join()


def say_nothing(_connection: socket.socket, over: threading.Event) -> None:
    over.wait()


def stop_halfway(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(HEAD + WEIGHTS[:1000])
    over.wait()


def trickle(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(HEAD)
    while not over.wait(0.01):
        connection.sendall(b".")


def hang_up_halfway(connection: socket.socket, _over: threading.Event) -> None:
    connection.sendall(HEAD + WEIGHTS[:1000])


def send_all(connection: socket.socket, _over: threading.Event) -> None:
    connection.sendall(HEAD + WEIGHTS)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (say_nothing, "127.0.0.1:[0-9]+ did not answer within 0.2 s"),
        (stop_halfway, "timed out"),
        (trickle, "only [0-9.]+ kB came in"),
        (hang_up_halfway, "the connection was lost after 0 of 1 MB"),
    ],
)
def test_a_bad_server_is_given_up(
    behave: Callable[[socket.socket, threading.Event], None], reason: str, cache: Path
) -> None:
    """Silence, a trickle and a hang-up end in an error that says which, and no file is left."""
    with server(behave) as address, pytest.raises(WeightsUnavailable) as raised:
        hub_file(f"{address}/{FILE}", "Net")
    assert raised.match(rf"Net's weights could not be downloaded \(.*{reason}")
    assert f"{address}/{FILE}" in str(raised.value)
    assert list(cache.iterdir()) == []


def test_a_refused_connection_is_an_error() -> None:
    """Nothing listens at the port: the error says that the connection was refused."""
    with pytest.raises(WeightsUnavailable, match="Connection refused"):
        hub_file(f"http://127.0.0.1:{free_port()}/{FILE}", "Net")


@pytest.mark.usefixtures("hurried")
def test_a_name_that_is_looked_up_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name servers that drop packets are inside the limit too."""
    over = threading.Event()

    def look_up(*_arguments: object, **_options: object) -> Any:
        over.wait()
        raise OSError("too late")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(WeightsUnavailable, match=r"weights\.invalid did not answer within 0\.2 s"):
        hub_file(f"http://weights.invalid/{FILE}", "Net")
    over.set()


@pytest.mark.usefixtures("hurried")
def test_an_address_that_drops_packets_is_given_up() -> None:
    """A listener whose queue is full lets the kernel drop what arrives: connecting would take minutes."""
    with socket.socket() as listener, ExitStack() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        with pytest.raises(WeightsUnavailable, match=r"did not answer within 0\.2 s"):
            hub_file(f"http://127.0.0.1:{listener.getsockname()[1]}/{FILE}", "Net")


def test_the_limits_leave_room_for_ten_seconds() -> None:
    """Without a network, trying takes less than half of the ten seconds that `up` has to say so."""
    assert pretrained.OPEN_LIMIT_S < 5
    assert pretrained.SILENCE_LIMIT_S <= 10
    assert pretrained.PATIENCE_S <= 20


def test_a_download_logs_how_far_it_is(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Lines with megabytes and percent, at most one for each twentieth of the file; the last says 100 %."""
    caplog.set_level(logging.INFO, "models")
    with server(send_all) as address:
        path, digest = hub_file(f"{address}/{FILE}", "Net")
    assert path == cache / FILE
    assert path.read_bytes() == WEIGHTS
    assert digest == hashlib.sha256(WEIGHTS).hexdigest()
    assert 1 <= len(caplog.messages) <= 20
    assert all(message.startswith("Downloading Net's weights: ") for message in caplog.messages)
    assert caplog.messages[-1].endswith("1 of 1 MB (100 %)")


@pytest.mark.usefixtures("hurried")
def test_timms_hub_is_given_up_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the hub does not answer, its client is not left to its own long tries, and stays online later."""
    states = []

    def create(name: str, **_options: Any) -> None:
        states.append(huggingface_hub.constants.HF_HUB_OFFLINE)
        raise OSError("no such file in the cache")

    monkeypatch.setattr(timm, "create_model", create)
    with server(say_nothing) as address:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
        with pytest.raises(WeightsUnavailable, match="no such file in the cache"):
            hub_weights(TIMM, tmp_path)
    with server(send_all) as address:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
        with pytest.raises(WeightsUnavailable, match="no such file in the cache"):
            hub_weights(TIMM, tmp_path)
    assert states == [True, False]
    assert huggingface_hub.constants.HF_HUB_OFFLINE is False
