"""Files that other processes may read or write at the same moment, and that survive a crash."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(target: Path) -> Iterator[Path]:
    """Yields a temporary path; the file that the block writes there becomes `target` when the block ends.

    Readers, and whoever comes after a crash, see the old file or the whole new one. The temporary name is
    unique, so processes may write one target at the same time: the last to finish wins. If the block raises,
    nothing is left. Creates the folder of `target`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        yield temporary
        sync(temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    sync(target.parent)


def write_text(target: Path, text: str) -> None:
    """Replace the text file `target` (UTF-8) as `atomic_write` does."""
    with atomic_write(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def sync(path: Path) -> None:
    """Flush a file or folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
