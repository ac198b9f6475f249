"""The memory of the API's process."""

import gc
import subprocess
import sys
import weakref

from fastapi import Request

from store.pools import PoolCounts
from store.selections import AnnotationsState, ImagesState
from tests.processes import until
from tests.service.serving import Client
from tests.service.steps import embedded_pool, new_pool

PROGRAM = """
import gc, time, weakref
from service import memory

class Thing:
    pass

gc.disable()
memory.PAUSE_S, memory.SHARE = 0.01, 1.0
memory.keep_small()
thing = Thing()
thing.itself, seen = thing, weakref.ref(thing)
del thing
while seen():
    time.sleep(0.01)
"""


def test_unreachable_cycles_are_collected_while_python_looks_for_none() -> None:
    """The process keeps nothing that it cannot use any more, though it rarely allocates."""
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=240)


def test_what_was_answered_is_forgotten(client: Client) -> None:
    """No request waits for Python to look for unreachable cycles; what the clocks of connections hold is
    forgotten as these go on.
    """

    def alive() -> int:
        return sum(type(each) is Request for each in gc.get_objects())

    pool_id = new_pool(client)
    gc.collect()
    before = alive()
    gc.disable()
    try:
        for _ in range(20):
            client.get(f"/pools/{pool_id}").raise_for_status()
        until(lambda: alive() <= before, "the requests are forgotten")
    finally:
        gc.enable()


def test_nothing_is_remembered_of_a_deleted_pool(client: Client) -> None:
    """Counts and digests that are kept until a pool changes go with it."""
    kept = (PoolCounts, ImagesState, AnnotationsState)
    gc.collect()
    others = {id(each): each for each in gc.get_objects() if type(each) in kept}
    pool_id, _ = embedded_pool(client)
    client.get(f"/pools/{pool_id}")
    client.get(f"/pools/{pool_id}/select", params={"budget": 1})
    objects = (each for each in gc.get_objects() if type(each) in kept and id(each) not in others)
    known = [weakref.ref(each) for each in objects]
    assert {type(each()) for each in known} == set(kept)
    client.delete(f"/pools/{pool_id}")
    gc.collect()
    assert [each() for each in known if each()] == []
