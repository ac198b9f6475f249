"""The client with a server that misbehaves."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fewpairs import FewpairsError, Job, Pool, ServerUnreachable
from fewpairs.cli import app
from fewpairs.transport import Transport
from tests.processes import free_port

Answer = Callable[[BaseHTTPRequestHandler], None]
JOB = {
    "id": "1",
    "kind": "train",
    "state": "running",
    "progress": {"share": 0},
    "result": None,
    "error": None,
}


@contextmanager
def serving(*answers: Answer) -> Iterator[tuple[str, list[BaseHTTPRequestHandler]]]:
    """A server that gives each request the next answer, and the requests it has got."""
    waiting, seen = list(answers), list[BaseHTTPRequestHandler]()

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            super().handle_one_request()
            self.close_connection = True

        def do_GET(self) -> None:
            self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.append(self)
            waiting.pop(0)(self)

        do_PUT = do_POST = do_GET

        def log_message(self, *words: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def say(status: int, body: bytes = b"{}", **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def hang_up(request: BaseHTTPRequestHandler) -> None:
    """Close the connection without an answer."""


def test_a_busy_server_and_a_lost_connection_are_tried_again(tmp_path: Path) -> None:
    """After 503 and a hang-up the request is repeated, with the whole file each time."""
    file = tmp_path / "photo"
    file.write_bytes(b"all of the photo")
    with serving(say(200), say(503), hang_up, say(201)) as (address, seen):
        transport = Transport(address)
        transport.request("GET", "/")
        assert transport.request("PUT", "/photo", file=file).status_code == 201
        transport.close()
    assert [request.body for request in seen[1:]] == [b"all of the photo"] * 3


def test_a_creation_that_may_have_happened_is_not_repeated() -> None:
    """A request that is not repeatable fails at the first hang-up."""
    with serving(say(200), hang_up) as (address, seen):
        transport = Transport(address)
        transport.request("GET", "/")
        with pytest.raises(ServerUnreachable, match="was lost"):
            transport.request("POST", "/pools", json={}, repeatable=False)
        transport.close()
    assert len(seen) == 2


def test_problems_become_errors() -> None:
    """The error has the type, status, sentence and extras of the problem document."""
    problem = {
        "type": "/problems/stale-revision",
        "title": "Old",
        "status": 412,
        "detail": "Take 3.",
        "newest": 3,
    }
    with serving(say(412, json.dumps(problem).encode()), say(500, b"<html>")) as (address, _):
        transport = Transport(address)
        with pytest.raises(FewpairsError) as raised:
            transport.request("GET", "/")
        error = raised.value
        assert (error.type, error.status, str(error), error.extras) == (
            "stale-revision",
            412,
            "Take 3.",
            {"newest": 3},
        )
        with pytest.raises(FewpairsError, match="500") as raised:
            transport.request("GET", "/")
        assert raised.value.type == "http"
        transport.close()


def test_events_go_on_after_a_lost_stream() -> None:
    """A stream that breaks off continues with Last-Event-ID, and no line comes twice."""
    lines = [message("metric", {"step": step}, str(step)) for step in (1, 2, 3)]
    first = say(200, lines[0] + b": still here\n\n" + lines[1])
    ended = JOB | {"state": "succeeded"}
    second = say(200, lines[2] + message("state", ended, "4"))
    with serving(first, say(200, json.dumps(JOB).encode()), second) as (address, seen):
        job = Job(Transport(address), JOB)
        events = list(job.events())
        job._transport.close()
    assert [event.data.get("step") for event in events] == [1, 2, 3, None]
    assert seen[-1].headers["Last-Event-ID"] == "2"
    assert job.state == "succeeded"


def test_a_pool_is_followed_beyond_a_lost_stream() -> None:
    """A lost stream is asked for what came after the last act; an act that is told twice comes once."""
    first = say(200, message("following", {"pool_id": "1"}, "a") + message("event", {"id": "b"}, "b"))
    again = message("following", {"pool_id": "1"}, "c") + message("event", {"id": "b"}, "b")
    second = say(200, again + message("job", {"id": "j"}) + message("event", {"id": "c"}, "c"))
    with serving(first, say(200), second) as (address, seen):
        pool = Pool(Transport(address), {"id": "1"})
        events = list(islice(pool.follow(), 4))
        pool._transport.close()
    assert [(event.kind, event.data.get("id")) for event in events] == [
        ("following", None),
        ("event", "b"),
        ("job", "j"),
        ("event", "c"),
    ]
    assert [request.headers["Last-Event-ID"] for request in seen] == [None, None, "b"]


def message(name: str, data: object, id: str = "") -> bytes:
    """One server-sent event."""
    return f"event: {name}\n{f'id: {id}' if id else ':'}\ndata: {json.dumps(data)}\n\n".encode()


def test_a_download_that_breaks_off_leaves_nothing_half(tmp_path: Path) -> None:
    """The file is whole after a first attempt that broke off in the middle."""

    def half(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "8")
        request.end_headers()
        request.wfile.write(b"half")

    with serving(half, say(200, b"complete")) as (address, _):
        transport = Transport(address)
        target = transport.download("/file", tmp_path / "new" / "file")
        transport.close()
    assert target.read_bytes() == b"complete"
    assert list(target.parent.iterdir()) == [target]


def test_nobody_there_is_said_at_once() -> None:
    """A refused connection names the address and `fewpairs up`, with exit code 1 and no traceback."""
    address = f"http://127.0.0.1:{free_port()}"
    result = CliRunner().invoke(app, ["jobs", "--server", address])
    assert result.exit_code == 1
    assert address in result.output
    assert "fewpairs up" in result.output


@pytest.mark.parametrize("address", ["localhost:8000", "ftp://host", "http://", "http://host:port"])
def test_what_is_no_address_is_said(address: str) -> None:
    """A malformed address ends in a sentence that shows a right one."""
    result = CliRunner().invoke(app, ["jobs", "--server", address])
    assert result.exit_code == 1
    assert "http://127.0.0.1:8000" in result.output
