"""Clients that fall silent, or ask for everything at once, hold nothing for long."""

import asyncio
import socket
import struct
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from starlette.types import Message, Receive, Scope, Send

from service.access import limits
from service.access.limits import Limited
from service.http import connections
from store.principals import Principal
from store.settings import Settings
from tests.access import HEAD
from tests.processes import until
from tests.service.serving import Client, serve
from tests.service.steps import new_pool, photo, put_photo

ESTABLISHED = 1


@contextmanager
def connected(client: Client) -> Iterator[socket.socket]:
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), 60) as connection:
        yield connection


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side ends the connection."""
    received = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(2**16):
            received += piece
    return received


def half_sent(pool_id: str, number: int = 0) -> bytes:
    head = f"PUT /pools/{pool_id}/images/{number}.jpg HTTP/1.1\r\n{HEAD}Content-Length: 5000"
    return head.encode() + b"\r\n\r\nhalf of a photo"


@pytest.fixture
def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A service that waits only a moment."""
    monkeypatch.setattr(limits, "PATIENCE_S", 0.5)
    monkeypatch.setattr(connections, "HEAD_S", 0.5)
    monkeypatch.setattr(connections, "STALL_S", 0.5)
    with serve(Settings(data_dir=tmp_path, broker_url="memory://")) as client:
        yield client


def test_half_sent_uploads_are_given_up(impatient: Client, tmp_path: Path) -> None:
    """Each of 40 is told so, its connection ends, and none leaves a file behind."""
    pool_id = new_pool(impatient)
    with ExitStack() as stack:
        uploads = [stack.enter_context(connected(impatient)) for _ in range(40)]
        for number, upload in enumerate(uploads):
            upload.sendall(half_sent(pool_id, number))
        for upload in uploads:
            answer = everything(upload)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b"request-timeout" in answer
    assert list((tmp_path / "blobs" / "incoming").iterdir()) == []


def test_a_body_that_trickles_is_given_up(impatient: Client) -> None:
    """A byte now and then breaks every silence, and is still too little."""
    pool_id = new_pool(impatient)
    with connected(impatient) as connection:
        connection.sendall(half_sent(pool_id))
        connection.settimeout(0.05)
        answer = b""
        while not answer:
            with suppress(TimeoutError):
                answer = connection.recv(2**16)
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(b".")
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_half_sent_login_is_given_up(impatient: Client) -> None:
    """Strangers hold a connection no longer than others do."""
    with connected(impatient) as connection:
        head = "POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        connection.sendall(f'{head}Content-Length: 50\r\n\r\n{{"name": '.encode())
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"request-timeout" in answer


@pytest.mark.parametrize("sent", [b"", b"GET /heal", b"GET /healthz HTTP/1.1\r\nHost: loc"])
def test_a_head_that_does_not_arrive_ends_the_connection(impatient: Client, sent: bytes) -> None:
    """Also that of a second request on a connection, and whether or not it has begun."""
    with connected(impatient) as connection:
        connection.sendall(sent)
        assert everything(connection) == b""
    with connected(impatient) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" + sent)
        assert everything(connection).count(b"HTTP/1.1 200") == 1


def test_the_rest_of_a_refused_body_is_not_waited_for(impatient: Client) -> None:
    """An answer may come before the whole request; what is missing of it keeps no connection open."""
    with connected(impatient) as connection:
        connection.sendall(half_sent(str(uuid.uuid4())))
        assert everything(connection).startswith(b"HTTP/1.1 404 ")


def test_an_answer_that_is_not_taken_is_given_up(impatient: Client) -> None:
    """A client that asks for a file and reads nothing does not hold it open."""
    image = put_photo(impatient, new_pool(impatient), "a.bmp", photo(1, "BMP", (2000, 2000)))
    with connected(impatient) as connection:
        connection.sendall(f"GET /images/{image['id']}/content HTTP/1.1\r\n{HEAD}\r\n".encode())
        until(lambda: state(connection) != ESTABLISHED, "the service to end the connection")
        assert len(everything(connection)) < image["size_bytes"]


def state(connection: socket.socket) -> int:
    """The state of a TCP connection, as Linux numbers them."""
    code: int
    (code,) = struct.unpack("B", connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1))
    return code


class Requests:
    """An application that answers each request when it is told to, behind the limits."""

    def __init__(self) -> None:
        self.limited = Limited(self._answer)
        self.running = 0
        self.answers: list[int] = []
        self._go = asyncio.Event()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.running += 1
        await self._go.wait()
        self.running -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def ask(self, principal: Principal, path: str = "/pools", method: str = "GET") -> None:
        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.answers.append(message["status"])

        scope = {"type": "http", "method": method, "path": path, "state": {"principal": principal}}
        await self.limited(scope | {"headers": [], "query_string": b""}, asyncio.Event().wait, send)  # type: ignore[arg-type]

    def go(self) -> None:
        self._go.set()


def person(name: str) -> Principal:
    return Principal(uuid.uuid4(), name, admin=False)


def test_a_principal_that_asks_for_everything_leaves_others_their_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its further requests wait in line, those of another principal run at once; all are answered."""
    monkeypatch.setattr(limits, "LONGEST_IN_LINE_S", 600)
    many = 3 * limits.AT_A_TIME

    async def asked() -> tuple[int, int, list[int]]:
        requests, greedy, other = Requests(), person("greedy"), person("other")
        tasks = [asyncio.create_task(requests.ask(greedy)) for _ in range(many)]
        await asyncio.sleep(0)
        while requests.running < limits.AT_A_TIME:
            await asyncio.sleep(0)
        before = requests.running
        tasks += [asyncio.create_task(requests.ask(other)) for _ in range(3)]
        tasks += [asyncio.create_task(requests.ask(greedy, method="PUT"))]
        while requests.running < limits.AT_A_TIME + 4:
            await asyncio.sleep(0)
        after = requests.running
        requests.go()
        await asyncio.gather(*tasks)
        return before, after, requests.answers

    before, after, answers = asyncio.run(asked())
    assert (before, after) == (limits.AT_A_TIME, limits.AT_A_TIME + 4)
    assert answers == [200] * (many + 4)


def test_what_is_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that would wait too long, or in too long a line, and streams beyond the limit, get 429; when
    the others have ended, there is room again."""
    monkeypatch.setattr(limits, "LONGEST_IN_LINE_S", 0.05)
    monkeypatch.setattr(limits, "IN_LINE", 5)
    monkeypatch.setattr(limits, "STREAMS", 7)

    async def asked() -> list[int]:
        requests, greedy = Requests(), person("greedy")
        streams = f"/jobs/{uuid.uuid4()}/events", f"/pools/{uuid.uuid4()}/events/stream"
        tasks = [asyncio.create_task(requests.ask(greedy)) for _ in range(limits.AT_A_TIME + 6)]
        tasks += [asyncio.create_task(requests.ask(greedy, streams[n % 2])) for n in range(9)]
        while len(requests.answers) < 6 + 2:
            await asyncio.sleep(0.01)
        requests.go()
        await asyncio.gather(*tasks)
        await requests.ask(greedy)
        await requests.ask(greedy, streams[0])
        return requests.answers

    answers = asyncio.run(asked())
    assert answers == [429] * 8 + [200] * (limits.AT_A_TIME + 7 + 2)
