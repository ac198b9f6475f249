"""Finds weights files that PyTorch's server offers in PyTorch's hub cache, or downloads them.

PyTorch's own download waits for ever on a network that drops packets; this one gives up and says what to do.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import torch

from models.files import atomic_write, sha256

log = logging.getLogger(__name__)

OPEN_LIMIT_S = 4.0
"""Longest time until a server answers: name, connection and the head of the answer together."""
SILENCE_LIMIT_S = 10.0
"""Longest pause between two pieces of a download."""
SLOWEST_BYTES_S, PATIENCE_S = 50_000, 20.0
"""A download is given up if its average speed over PATIENCE_S seconds is less than SLOWEST_BYTES_S."""
LOG_LINES = 20
CHUNK = 1 << 20
MB = 1e6


class WeightsUnavailable(RuntimeError):
    """A network's trained weights cannot be found or downloaded; the message says what to do."""


def hub_file(url: str, name: str, otherwise: str = "") -> tuple[Path, str]:
    """The local copy of the weights file at `url`, downloaded when missing, and its SHA-256 in hexadecimal.

    The file name of `url` holds the first digits of that SHA-256, as all of PyTorch's weights do. Raises
    WeightsUnavailable, whose message calls the network `name` and ends with `otherwise`, another way out.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[1]
    if not path.is_file():
        _download(url, path, name, otherwise)
    digest = sha256(path)
    if not digest.startswith(_checksum(url)):
        raise WeightsUnavailable(
            f"{path} is not the file that {url} names (its SHA-256 is {digest}): "
            "delete it, and it will be downloaded again."
        )
    return path, digest


def _checksum(url: str) -> str:
    return url.rsplit("-", 1)[1].removesuffix(".pth")


def answers(url: str) -> bool:
    """Whether the server of `url` answers anything within OPEN_LIMIT_S."""
    try:
        _opened(url).close()
    except HTTPError as error:
        error.close()
    except (OSError, HTTPException):
        return False
    return True


def _download(url: str, target: Path, name: str, otherwise: str) -> None:
    try:
        with atomic_write(target) as temporary, temporary.open("wb") as file, _opened(url) as response:
            digest = hashlib.sha256()
            for chunk in _chunks(response, name):
                file.write(chunk)
                digest.update(chunk)
            if not digest.hexdigest().startswith(_checksum(url)):
                raise HTTPException("the answer has another SHA-256 than the weights")
    except (OSError, HTTPException) as error:
        if isinstance(error, HTTPError):
            error.close()
        reason = error.reason if type(error) is URLError else error
        raise WeightsUnavailable(
            f"{name}'s weights could not be downloaded ({reason}). Fetch {url} where you can and put it "
            f"at {target}{otherwise}."
        ) from error


def _opened(url: str) -> HTTPResponse:
    """The answer of a server, its body unread. Raises OSError, TimeoutError after OPEN_LIMIT_S.

    It is opened in a thread of its own: looking up a name has no time-out, and connecting has one for each of
    the name's addresses.
    """
    answer: Future[HTTPResponse] = Future()

    def open_it() -> None:
        try:
            response = urlopen(url, timeout=SILENCE_LIMIT_S)
        except Exception as error:
            if answer.set_running_or_notify_cancel():
                answer.set_exception(error)
            return
        if answer.set_running_or_notify_cancel():
            answer.set_result(response)
        else:
            response.close()

    threading.Thread(target=open_it, daemon=True).start()
    try:
        return answer.result(OPEN_LIMIT_S)
    except TimeoutError:
        if answer.cancel():
            raise TimeoutError(f"{urlsplit(url).netloc} did not answer within {OPEN_LIMIT_S:g} s") from None
        return answer.result()


def _chunks(response: HTTPResponse, name: str) -> Iterator[bytes]:
    """The body as it arrives; logs how far it is at every twentieth of it.

    Raises TimeoutError if it is too slow, and HTTPException if it is cut short.
    """
    total = int(response.headers.get("Content-Length") or 0)
    done, logged = 0, 0
    checked_at, checked = time.monotonic(), 0
    while chunk := response.read1(CHUNK):
        yield chunk
        done += len(chunk)
        if total and LOG_LINES * done // total > logged:
            logged = LOG_LINES * done // total
            log.info(
                "Downloading %s's weights: %.0f of %.0f MB (%d %%)",
                name,
                done / MB,
                total / MB,
                100 * done // total,
            )
        waited = time.monotonic() - checked_at
        if waited >= PATIENCE_S:
            if done - checked < SLOWEST_BYTES_S * waited:
                raise TimeoutError(f"only {(done - checked) / 1000:.1f} kB came in {waited:.0f} s")
            checked_at, checked = time.monotonic(), done
    if done < total:
        raise HTTPException(f"the connection was lost after {done / MB:.0f} of {total / MB:.0f} MB")
