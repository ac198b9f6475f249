"""Passwords: hashed and checked with Argon2, a few at once, never in the thread that answers."""

from functools import cache
from typing import Annotated

from anyio import CapacityLimiter, to_thread
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from fastapi import Depends, Request

from service.access.attempts import Attempts
from service.http.problems import Unavailable

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""The memory, 19 MiB, and the time that OWASP's Password Storage Cheat Sheet asks for at least."""
AT_ONCE, MOST_WAITING = 2, 20


class Passwords:
    """What one process knows of passwords: whose turn it is, and who sends wrong ones."""

    def __init__(self) -> None:
        self.attempts = Attempts()
        self._turns = CapacityLimiter(AT_ONCE)

    async def hashed(self, password: str) -> str:
        """What is kept of a password. Raises Unavailable if too many wait for their turn."""
        self._require_room()
        return await to_thread.run_sync(HASHER.hash, password, limiter=self._turns)

    async def is_right(self, password: str, hash: str | None) -> bool:
        """Whether this is the password. It takes as long where there is none. Raises as `hashed`."""
        self._require_room()
        return await to_thread.run_sync(_verified, password, hash, limiter=self._turns)

    def _require_room(self) -> None:
        if self._turns.statistics().tasks_waiting >= MOST_WAITING:
            raise Unavailable(
                "Too many people log in at this moment: try again in a few seconds."
            ).with_headers(Retry_After="3")


def _verified(password: str, hash: str | None) -> bool:
    try:
        return HASHER.verify(hash or _of_nobody(), password) and hash is not None
    except VerificationError:
        return False


@cache
def _of_nobody() -> str:
    return HASHER.hash("nobody's password")


async def _passwords(request: Request) -> Passwords:
    passwords: Passwords = request.app.state.passwords
    return passwords


PasswordsDep = Annotated[Passwords, Depends(_passwords)]
