"""A decoding process, as the service sees it."""

import signal
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from typing import TypeVar

from service.decoding import confined
from service.http.problems import Problem, Unavailable

START_S = 120.0
SLACK_S = 5.0
"""The process ends itself at its deadline; only one that cannot is ended by the service, this much later."""

T = TypeVar("T")


class Ended(Exception):
    """The process has ended before it answered: its work was too much for its limits, or crashed it."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        """How long it worked."""


class DecodingProcess:
    """Does one thing at a time. Only its own work can end it, so no work is ever done twice."""

    def __init__(self, context: ForkServerContext, pixels: int) -> None:
        """Start it, and wait until it is ready. Raises Unavailable."""
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=confined.serve, args=(theirs, pixels), daemon=True)
        self._process.start()
        theirs.close()
        try:
            is_ready = self._connection.poll(START_S) and self._connection.recv() == confined.READY
        except (EOFError, OSError):
            is_ready = False
        if not is_ready:
            self.end()
            raise _unavailable("No process that decodes files could be started")

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    def run(self, wait_s: float, function: Callable[..., T], *arguments: object) -> tuple[T, float]:
        """What the function returns, and the CPU seconds that it took; or raise what it raises.

        Raises Ended if there is no answer, at the latest shortly after `wait_s`, and Unavailable if something
        else has ended the process.
        """
        began = time.monotonic()
        try:
            self._connection.send((function, arguments))
            if not self._connection.poll(wait_s + SLACK_S):
                raise TimeoutError
            has_returned, value, cpu_s = self._connection.recv()
        except (EOFError, OSError) as error:
            self._process.join(SLACK_S)
            was_killed = self._process.exitcode == -signal.SIGKILL
            self.end()
            if was_killed and not isinstance(error, TimeoutError):
                raise _unavailable("The process that decodes files was killed") from None
            raise Ended(time.monotonic() - began) from None
        if has_returned:
            return value, cpu_s
        raise value

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._connection.close()


def _unavailable(what: str) -> Problem:
    return Unavailable(
        f"{what}, perhaps because the server's memory is full: send the request again in a moment."
    ).with_headers(Retry_After="10")
