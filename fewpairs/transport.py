"""The client's HTTP: problems become errors, and requests that can be repeated are repeated."""

import hashlib
import os
import random
import tempfile
import time
import uuid
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx

from fewpairs.credentials import key_of
from fewpairs.errors import FewpairsError, ServerUnreachable

DEFAULT_SERVER = "http://127.0.0.1:8000"
ATTEMPTS = 8
LONGEST_PAUSE_S = 5.0
PAGE = 500
CONNECTIONS = 16


class Transport:
    """The connection to one server, for any number of threads.

    A request is tried up to `ATTEMPTS` times within about 20 s, after a lost connection or a 503. That is
    safe: a PUT names its content, and the creation of a job carries an Idempotency-Key. A server that has
    never answered is not waited for, so that a wrong address is reported at once.
    """

    def __init__(self, server: str | None = None, key: str | None = None) -> None:
        self.server = (server or os.environ.get("FEWPAIRS_SERVER") or DEFAULT_SERVER).rstrip("/")
        try:
            url = httpx.URL(self.server)
        except httpx.InvalidURL:
            url = httpx.URL()
        if url.scheme not in ("http", "https") or not url.host:
            raise FewpairsError(f"{self.server} is not a server's address: give one like {DEFAULT_SERVER}.")
        self._http = httpx.Client(
            base_url=url,
            timeout=httpx.Timeout(60, connect=5),
            limits=httpx.Limits(max_connections=CONNECTIONS),
            auth=_credential(self.server, key),
        )
        self._has_answered = False
        self._finalizer = weakref.finalize(self, self._http.close)

    def close(self) -> None:
        """Close the connections. Without this they close with the last reference."""
        self._finalizer()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, Any] | None = None,
        json: Any = None,
        file: Path | None = None,
        content: Callable[[], Iterator[bytes]] | None = None,
        once: bool = False,
        repeatable: bool = True,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """The successful response; raises FewpairsError.

        `file`, or what `content` yields, is streamed as the body at each attempt. With `once` the request has
        an Idempotency-Key, so that its repetition does not make a second job.
        """
        headers = (headers or {}) | ({"Content-Type": "application/octet-stream"} if file or content else {})
        headers |= {"Idempotency-Key": str(uuid.uuid4())} if once else {}
        for attempt in range(ATTEMPTS):
            try:
                with file.open("rb") if file else nullcontext() as body:
                    response = self._http.request(
                        method,
                        path,
                        params=_without_none(params),
                        json=json,
                        content=content() if content else body,
                        headers=headers,
                    )
            except httpx.TransportError as error:
                self._repeat_or_raise(error, attempt, repeatable)
                continue
            self._has_answered = True
            if response.status_code in (429, 503) and attempt + 1 < ATTEMPTS:
                _pause(attempt, response.headers.get("Retry-After"))
            elif response.is_success:
                return response
            else:
                raise FewpairsError.of(response)
        raise AssertionError("the last attempt returns or raises")

    def json(self, method: str, path: str, **options: Any) -> Any:
        return self.request(method, path, **options).json()

    def items(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Every item of a keyset-paged list."""
        cursor: str | None = None
        while True:
            page = self.json("GET", path, params={"limit": PAGE, **params, "cursor": cursor})
            yield from page["items"]
            cursor = page.get("next")
            if not cursor:
                return

    @contextmanager
    def stream(self, path: str, *, headers: dict[str, str] | None = None) -> Iterator[httpx.Response]:
        """A response whose body is still to be read. The request is not repeated."""
        try:
            with self._http.stream("GET", path, headers=headers) as response:
                if response.status_code not in (200, 206):
                    response.read()
                    raise FewpairsError.of(response)
                self._has_answered = True
                yield response
        except httpx.ConnectError as error:
            raise self._unreachable(error) from error

    def download(self, path: str, target: Path) -> Path:
        """Write the body to `target`; the file is complete or, after an error, as it was."""
        target.parent.mkdir(parents=True, exist_ok=True)
        for attempt in range(ATTEMPTS):
            with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".part-", delete=False) as part:
                try:
                    with self.stream(path) as response:
                        for chunk in response.iter_bytes():
                            part.write(chunk)
                    part.flush()
                    os.chmod(part.name, 0o644)
                    os.replace(part.name, target)
                    return target
                except httpx.TransportError as error:
                    self._repeat_or_raise(error, attempt, repeatable=True)
                finally:
                    Path(part.name).unlink(missing_ok=True)
        raise AssertionError("the last attempt returns or raises")

    def download_again(self, path: str, target: Path, sha256: str) -> Path:
        """Write the body, whose SHA-256 is known, to `target`.

        What has arrived stays in a hidden file beside it until all is there, so that the next attempt, or the
        next call, goes on from there.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{sha256[:16]}.part")
        for attempt in range(ATTEMPTS):
            try:
                self._append(path, part, sha256)
                break
            except httpx.TransportError as error:
                self._repeat_or_raise(error, attempt, repeatable=True)
        with part.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            part.unlink()
            raise FewpairsError(f"{target.name} was damaged on its way: run the same command again.")
        return part.replace(target)

    def _append(self, path: str, part: Path, sha256: str) -> None:
        """Write the rest of the body to a file that holds its beginning."""
        size = part.stat().st_size if part.exists() else 0
        headers = {"Range": f"bytes={size}-", "If-Range": f'"{sha256}"'}
        try:
            with self.stream(path, headers=headers) as response, part.open("ab") as file:
                if response.status_code == 200:
                    file.truncate(0)
                for chunk in response.iter_bytes():
                    file.write(chunk)
        except FewpairsError as error:
            if error.status != 416:  # the file was complete already
                raise

    def _repeat_or_raise(self, error: httpx.TransportError, attempt: int, repeatable: bool) -> None:
        nothing_was_sent = isinstance(error, httpx.ConnectError)
        worth_it = self._has_answered and (repeatable or nothing_was_sent)
        if not worth_it or attempt + 1 == ATTEMPTS:
            raise self._unreachable(error) from error
        _pause(attempt, None)

    def _unreachable(self, error: Exception) -> ServerUnreachable:
        if isinstance(error, httpx.ConnectError):
            return ServerUnreachable(
                f"Nothing answers at {self.server}: start it with `fewpairs up`, or give the address of a "
                "running service with --server or FEWPAIRS_SERVER."
            )
        return ServerUnreachable(
            f"The connection to {self.server} was lost ({error or error.__class__.__name__}). "
            "Everything that was answered is kept: run the same command again to go on."
        )


def _credential(server: str, key: str | None) -> Callable[[httpx.Request], httpx.Request]:
    """Adds the key to a request. It is looked up each time: a service that started again has a new one."""

    def authorized(request: httpx.Request) -> httpx.Request:
        if known := key or key_of(server):
            request.headers["Authorization"] = f"Bearer {known}"
        return request

    return authorized


def _pause(attempt: int, retry_after: str | None) -> None:
    """Exponential backoff with jitter, at least as long as the server asks, at most LONGEST_PAUSE_S."""
    pause = 0.2 * 2.0**attempt * random.uniform(0.8, 1.2)
    if retry_after and retry_after.isdigit():
        pause = max(pause, float(retry_after))
    time.sleep(min(pause, LONGEST_PAUSE_S))


def _without_none(params: dict[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (params or {}).items() if value is not None}
