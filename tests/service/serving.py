"""The real service, run in a thread of the test's process."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from migrations import upgrade
from service.__main__ import server
from service.app import create_app
from service.runtime import Service
from store.settings import Settings
from tests.access import WITH_KEY


class Client(httpx.Client):
    """An HTTP client, with the service behind it for tests that act as the worker."""

    service: Service


@contextmanager
def serve(settings: Settings) -> Iterator[Client]:
    """Run uvicorn on a free port. The socket listens before the server starts, so no test has to wait."""
    upgrade(settings.database)
    app = create_app(settings)
    serving = server(app)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        thread = threading.Thread(target=serving.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            address = f"http://127.0.0.1:{listening.getsockname()[1]}"
            with Client(base_url=address, headers=WITH_KEY, timeout=60) as client:
                client.get("/healthz").raise_for_status()
                client.service = app.state.service
                yield client
        finally:
            serving.should_exit = True
            thread.join()
