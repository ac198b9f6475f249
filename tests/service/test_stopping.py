"""What a request gets that is cut off by the end of the service."""

import socket
from pathlib import Path

from store.settings import Settings
from tests.access import HEAD
from tests.processes import until
from tests.service.serving import serve
from tests.service.steps import new_pool


def test_an_upload_that_the_end_cuts_off_can_be_sent_again(tmp_path: Path) -> None:
    """Half an upload is answered with 503 and Retry-After when the service stops, and leaves no file."""
    arriving = tmp_path / "blobs" / "incoming"
    with socket.socket() as half:
        with serve(Settings(data_dir=tmp_path, broker_url="memory://")) as client:
            half.connect((client.base_url.host, client.base_url.port))
            head = f"PUT /pools/{new_pool(client)}/images/a.jpg HTTP/1.1\r\n{HEAD}"
            half.sendall(f"{head}Content-Length: 1000\r\n\r\nhalf".encode())
            until(lambda: any(arriving.iterdir()), "the upload to begin")
        answer = half.recv(10_000).decode()
    assert answer.startswith("HTTP/1.1 503 ")
    assert "retry-after: " in answer.lower()
    assert not any(arriving.iterdir())
