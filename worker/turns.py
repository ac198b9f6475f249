"""Whose job is next: principals take turns, and so do the pools of each."""

import uuid
from collections.abc import Sequence
from itertools import count

from store.lines import First


class Turns:
    """The turns that one worker has given, in memory: after a restart they begin anew."""

    def __init__(self) -> None:
        self._last: dict[uuid.UUID | None, int] = {}
        self._now = count(1)

    def in_order(self, firsts: Sequence[First]) -> list[First]:
        """The jobs of whoever had a turn longest ago come first; among equals, the oldest job."""
        last = self._last
        return sorted(firsts, key=lambda job: (last.get(job.principal_id, 0), last.get(job.pool_id, 0)))

    def give(self, job: First) -> None:
        self._last[job.principal_id] = self._last[job.pool_id] = next(self._now)
