"""A proxy with TLS that shows a service under a path, as many an institution's web server does."""

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from tests.processes import free_port, until

PATH = "/tools/fewpairs"
Scope = dict[str, Any]


@contextmanager
def behind_tls(upstream: str, folder: Path) -> Iterator[str]:
    """The address of the service behind the proxy, without a slash at its end. Its certificate is its own."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    names = ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run(command, check=True, capture_output=True)
    port = free_port()
    proxy = uvicorn.Server(
        uvicorn.Config(
            Proxy(upstream),
            port=port,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            ssl_cert_reqs=ssl.CERT_NONE,
            lifespan="off",
            log_level="warning",
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(target=proxy.run)
    thread.start()
    try:
        until(lambda: proxy.started, "the proxy is ready")
        yield f"https://localhost:{port}{PATH}"
    finally:
        proxy.should_exit = True
        thread.join()


class Proxy:
    """An ASGI application that hands requests below PATH on, and streams the answers back."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if not scope["path"].startswith(f"{PATH}/"):
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body"})
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        url = f"{self._upstream}{scope['raw_path'].decode().removeprefix(PATH)}"
        if query := scope["query_string"].decode():
            url += f"?{query}"
        headers = [*scope["headers"], (b"x-forwarded-proto", b"https"), (b"x-forwarded-for", b"127.0.0.1")]
        async with (
            httpx.AsyncClient(timeout=None) as client,
            client.stream(scope["method"], url, headers=headers, content=body) as answer,
        ):
            start = {"status": answer.status_code, "headers": answer.headers.raw}
            await send({"type": "http.response.start", **start})
            async for chunk in answer.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body"})
