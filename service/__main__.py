"""`python -m service`: serve the HTTP API at FEWPAIRS_HOST and FEWPAIRS_PORT."""

# The decoding processes import this module too, so imports that only its functions need are inside them.
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

LONGEST_TURN_S = 0.0005
"""After which a thread lets others have the interpreter. Python's 5 ms add up in an answer that asks a
database a dozen times."""


def server(app: "FastAPI", host: str = "127.0.0.1", port: int = 0) -> "uvicorn.Server":
    """A server for the application; it tells the application when to end its streams."""
    import uvicorn

    from service.http.connections import LONGEST_HEAD, Connection

    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=Connection,
        access_log=False,
        log_level="warning",
        proxy_headers=False,  # `service.http.forwarded` reads them
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=LONGEST_HEAD,
    )
    server = uvicorn.Server(config)
    app.state.stopping = lambda: server.should_exit
    return server


def main() -> None:
    import sys
    from contextlib import suppress

    from processes.limits import allow_open_files
    from service import memory
    from service.app import create_app
    from service.http.observe import log_as_json
    from store.settings import settings_or_exit

    settings = settings_or_exit()
    allow_open_files()
    sys.setswitchinterval(LONGEST_TURN_S)
    log_as_json()
    app = create_app(settings)
    memory.keep_small()
    running = server(app, settings.host, settings.port)
    with suppress(KeyboardInterrupt):
        running.run()
    if not running.started:
        sys.exit(1)


if __name__ == "__main__":
    main()
