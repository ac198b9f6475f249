"""Who acts: whoever made the request that is answered now, or ordered the job that runs now."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    principal_id: uuid.UUID | None = None
    """None: nobody in particular, as for what the program does by itself."""
    address: str | None = None
    """The network address of the client."""


_actor: ContextVar[Actor] = ContextVar("actor")


def current() -> Actor:
    return _actor.get(Actor())


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """What is done in the block, also in threads that it starts for its own answer, is done by this actor."""
    before = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(before)
