"""Sends exports of other tools; a folder is packed into a zip on the way."""

import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fewpairs.errors import FewpairsError
from fewpairs.jobs import Job
from fewpairs.transport import Transport
from folders.junk import is_junk
from formats.catalog import IMPORT_SUFFIXES


def order_import(
    transport: Transport,
    pool_id: str,
    export: Path,
    format: str,
    *,
    mapping: Mapping[str, str | None],
    dry_run: bool,
    replace: bool,
) -> Job:
    """Send a zip, a tar, a JSON or a folder, and order its import. Raises FewpairsError."""
    params = {"format": format, "mapping": json.dumps(dict(mapping)), "dry_run": dry_run, "replace": replace}
    with _one_file(export) as file:
        address = f"/pools/{pool_id}/imports"
        document = transport.request("POST", address, params=params, file=file, once=True).json()
    return Job(transport, document)


@contextmanager
def _one_file(export: Path) -> Iterator[Path]:
    if not export.is_dir():
        if not export.is_file():
            raise FewpairsError(f"{export} does not exist: give a folder, a zip, a tar or a JSON file.")
        yield export
        return
    with tempfile.TemporaryDirectory(prefix="fewpairs-") as folder:
        packed = Path(folder) / "export.zip"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            for path in _files(export):
                archive.write(path, path.relative_to(export).as_posix())
        yield packed


def _files(folder: Path) -> Iterator[Path]:
    """The files that an import may read, also in folders that links lead to; loops end."""
    seen: set[str] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if os.path.realpath(f"{parent}/{name}") not in seen)
        seen.update(os.path.realpath(f"{parent}/{name}") for name in folders)
        for name in sorted(names):
            path = Path(parent) / name
            if path.suffix.lower() in IMPORT_SUFFIXES and not is_junk(path.relative_to(folder).as_posix()):
                yield path
