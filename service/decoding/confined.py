"""What a decoding process does: it limits itself, then calls the functions that the service asks for."""

import signal
import time
from multiprocessing.connection import Connection

from processes.lifeline import end_with_parent
from processes.limits import limit_memory
from processes.without_sockets import forbid_sockets
from service.decoding import deadline, validation

READY = "ready"
BASE_BYTES = 512 * 1024 * 1024
BYTES_PER_PIXEL = 24
"""A decoded pixel has 4 bytes; decoders and conversions keep a few copies."""


def serve(service: Connection, pixels: int) -> None:
    """Say READY. Then answer each `(function, arguments)` with `(whether it returned, what it returned or
    raised, CPU seconds)`, until the service closes the connection. Files have at most `pixels` pixels.
    """
    _confine(pixels)
    service.send(READY)
    while True:
        try:
            function, arguments = service.recv()
        except EOFError:
            return
        before = time.process_time()
        deadline.allow(deadline.LEAST_S)
        try:
            answer = True, function(*arguments)
        except Exception as error:
            answer = False, error
        deadline.done()
        service.send((*answer, time.process_time() - before))


def _confine(pixels: int) -> None:
    """Limit this process to the memory that files of at most `pixels` pixels need, and to no network."""
    forbid_sockets()
    limit_memory(BASE_BYTES + BYTES_PER_PIXEL * pixels)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    validation.limit_pixels(pixels)
    deadline.enforce()
