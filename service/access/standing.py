"""Whether those who wait for an answer may still have it: a key may be revoked meanwhile, a login end, a role
be taken away.
"""

import asyncio
import math
import random
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import ServerSentEvent
from sqlalchemy.exc import SQLAlchemyError

from service.http.problems import Problem
from store.principals import Principal

AGAIN_S = 5.0
"""How old an answer may be, which those share who wait with one credential for things of one pool."""
ALIVE = ServerSentEvent(comment="alive")
"""What a stream sends that was woken and has nothing to tell."""

Who = Callable[[], Principal]
May = Callable[[Principal, UUID | None], None]
Answers = dict[Any, asyncio.Future[Any]]


class Standing:
    """What one request needed. `who` says who asks; `may` raises a Problem unless they have the role `need`
    over what is `named`, or over a pool. Both block.
    """

    def __init__(self, request: Request, who: Who, may: May, need: str, named: object) -> None:
        self._answers: Answers = request.app.state.answers
        headers = request.headers
        self._credential = (headers.get("authorization"), headers.get("cookie"), request.state.signed_with)
        self._who, self._may, self._need, self._named = who, may, need, named

    async def require(self, pool_id: UUID | None) -> None:
        """Raise Unauthenticated, NotFound or Forbidden if whoever asked may not any more.

        While the database is away, nobody is shut out.
        """
        with suppress(SQLAlchemyError):
            principal = await self._asked(self._credential, self._who)
            ask = partial(self._may, principal, pool_id)
            await self._asked((principal, self._need, pool_id or self._named), ask)

    async def _asked(self, question: object, ask: Callable[[], Any]) -> Any:
        answer = self._answers.get(question)
        if answer is None:
            answer = self._answers[question] = asyncio.ensure_future(run_in_threadpool(ask))
            asyncio.get_running_loop().call_later(AGAIN_S, self._answers.pop, question)
        return await asyncio.shield(answer)


_standing: ContextVar[Standing | None] = ContextVar("standing", default=None)


def stand(standing: Standing) -> None:
    """From now on `require_still` means this one, until the request is answered."""
    _standing.set(standing)


async def woken(changed: asyncio.Event, pool_id: UUID | None, within_s: float = math.inf) -> bool:
    """Wait for what a stream tells next, a few seconds at most. Returns whether whoever follows still may."""
    patience_s = AGAIN_S * random.uniform(1, 2)  # streams that began together must not wake together
    with suppress(TimeoutError):
        async with asyncio.timeout(min(within_s, patience_s)):
            await changed.wait()
    try:
        await require_still(pool_id)
    except Problem:
        return False
    return True


async def require_still(pool_id: UUID | None = None) -> None:
    """Raise a Problem if whoever made the request that is answered now may not make it any more. If a pool is
    named, many who wait for things of it are asked about together.
    """
    if standing := _standing.get():
        await standing.require(pool_id)
