"""A fault of a server's data, and what heals it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """Something that is not as it should be."""

    kind: str
    what: str
    """A sentence."""
    advice: str
    """What a person can do if `repair` is None or does not help."""
    repair: Callable[[], bool] | None = None
    """Heals it, and returns whether it did."""
