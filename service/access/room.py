"""Whoever asks must have room left in their quota. Routes that take files in declare it:
`dependencies=[CURATOR, ROOM]`.
"""

from fastapi import Depends
from fastapi.concurrency import run_in_threadpool

from service.runtime import ServiceDep


async def _require_room(service: ServiceDep) -> None:
    await run_in_threadpool(service.quotas.require_room)


async def _require_room_for_photos(service: ServiceDep) -> None:
    await run_in_threadpool(service.quotas.require_room, 1)


ROOM, ROOM_FOR_PHOTOS = Depends(_require_room), Depends(_require_room_for_photos)
