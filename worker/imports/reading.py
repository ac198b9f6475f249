"""Read an export in a process of its own, so that no file can stop the worker."""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from formats.matching import Listed
from formats.process import Request
from formats.reading import Read
from worker.outcomes import Permanent


@contextmanager
def reading(request: Request) -> Iterator[tuple[Sequence[Listed], Iterator[Read]]]:
    """The label maps of an export, and then what is in each, one by one. The process ends with the block.

    Raises Permanent if the export cannot be read, also while the label maps are asked for.
    """
    path = Path(request.files).with_name("request.json")
    path.write_text(json.dumps(asdict(request)), encoding="utf-8")
    child = subprocess.Popen(
        [sys.executable, "-m", "formats.process", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # each thread would count as memory
        process_group=0,
    )
    try:
        listed = _next(child, f"the list of label maps ({request.format})")
        if isinstance(listed, str):
            raise Permanent("import-unreadable", f"This is no export of {request.format}: {listed}.")
        yield listed, (_next(child, one.file) for one in listed)
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            assert pipe
            pipe.close()


def _next(child: "subprocess.Popen[bytes]", what: str) -> Any:
    assert child.stdout
    try:
        return pickle.load(child.stdout)
    except (EOFError, pickle.UnpicklingError):
        raise Permanent(
            "import-unreadable", f"Reading {what} takes too much memory or time: send the export in parts."
        ) from None
