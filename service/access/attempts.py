"""Slows down whoever guesses passwords, and nobody else."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from math import ceil

from service.http.problems import TooManyAttempts

FREE = 5
"""Wrong passwords after which the next attempt has to wait."""
LONGEST_WAIT_S = 60.0
REMEMBERED = 10_000


@dataclass
class _Failures:
    count: int = 0
    until: float = 0.0


class Attempts:
    """Wrong passwords in a row, by who tries what: a name from an address.

    After FREE of them each attempt has to wait, twice as long each time. Others who try the same name, from
    other addresses, do not wait. This process alone remembers them, and only the newest.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[Hashable, _Failures] = OrderedDict()

    def begin(self, key: Hashable) -> None:
        """Count an attempt, as wrong until it `succeeded`. Raises TooManyAttempts if it is too early."""
        now = self._clock()
        failures = self._failures.setdefault(key, _Failures())
        self._failures.move_to_end(key)
        if now < failures.until:
            wait_s = ceil(failures.until - now)
            raise TooManyAttempts(
                f"Too many wrong passwords were sent for this name: try again in {wait_s} s."
            ).with_headers(Retry_After=str(wait_s))
        failures.count += 1
        if failures.count >= FREE:
            failures.until = now + min(2.0 ** (failures.count - FREE), LONGEST_WAIT_S)
        if len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)

    def succeeded(self, key: Hashable) -> None:
        self._failures.pop(key, None)
