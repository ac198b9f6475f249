"""A whole pool in one file: written by one server, taken in by another."""

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from fewpairs.errors import FewpairsError
from fewpairs.jobs import Job
from fewpairs.transport import Transport

RECORDS, BLOBS = "pool.jsonl", "blobs/"
PARTS_A_REQUEST = 10_000
THREADS = 8
CHUNK = 1024 * 1024

Progress = Callable[[int], None]
"""Called with the number of files that have been sent."""


def export_pool(
    transport: Transport, pool_id: str, target: Path, on_wait: Callable[[Job], None] | None = None
) -> Path:
    """Write the pool into a zip. Call it again to go on with a download that was interrupted."""
    job = Job(transport, transport.json("POST", f"/pools/{pool_id}/archive", once=True)).wait(on_wait)
    return transport.download_again(f"/jobs/{job.id}/archive", target, job.result["sha256"])


def import_pool(
    transport: Transport, path: Path, name: str | None = None, on_progress: Progress | None = None
) -> dict[str, Any]:
    """Send a pool's archive, without the files that have arrived before. Returns the pool's document."""
    try:
        with zipfile.ZipFile(path) as zip:
            return _sent(transport, zip, name, on_progress)
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise FewpairsError(
            f"{path} cannot be read as the archive of a pool ({error}): give a whole file that "
            "`fewpairs pool export` wrote."
        ) from error


def _sent(
    transport: Transport, zip: zipfile.ZipFile, name: str | None, on_progress: Progress | None
) -> dict[str, Any]:
    archive = f"/archives/{_digest(zip)}"
    there = transport.json("PUT", archive, content=partial(_chunks, zip, RECORDS))["pool_id"]
    sent = 0
    while not there:
        parts = transport.json("GET", f"{archive}/missing", params={"limit": PARTS_A_REQUEST})["items"]
        if not parts:
            break
        with ThreadPoolExecutor(THREADS) as threads:
            try:
                for _ in threads.map(partial(_send, transport, zip, archive), parts):
                    sent += 1
                    if on_progress:
                        on_progress(sent)
            finally:
                threads.shutdown(wait=False, cancel_futures=True)
    document: dict[str, Any] = transport.json("POST", f"{archive}/pool", params={"name": name})
    return document


def _send(transport: Transport, zip: zipfile.ZipFile, archive: str, part: dict[str, str]) -> None:
    address = f"{archive}/parts/{part['kind']}/{part['sha256']}"
    transport.request("PUT", address, content=partial(_chunks, zip, BLOBS + part["sha256"]))


def _digest(zip: zipfile.ZipFile) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(zip, RECORDS):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(zip: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with zip.open(name) as file:
        while chunk := file.read(CHUNK):
            yield chunk
