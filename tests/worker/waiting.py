"""Helpers that wait for other threads and processes."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from worker.attempt import Tools
from worker.run import run


@contextmanager
def running(job_id: uuid.UUID, tools: Tools, shutdown: threading.Event | None = None) -> Iterator[None]:
    """Run a job in a thread; at the end of the block wait until its attempt is over."""
    thread = threading.Thread(target=run, args=(job_id, tools, shutdown or threading.Event()))
    thread.start()
    try:
        yield
    finally:
        thread.join(60)
        assert not thread.is_alive(), "the attempt did not end"


def training_processes(job_id: uuid.UUID) -> list[psutil.Process]:
    """The live training subprocesses of a job, whichever process started them."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        command = process.info["cmdline"] or []
        alive = process.info["status"] != psutil.STATUS_ZOMBIE
        if alive and "worker.training.process" in command and any(str(job_id) in word for word in command):
            found.append(process)
    return found
