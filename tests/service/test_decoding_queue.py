"""The queue of requests whose files are decoded, and the turns at the decoding processes."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import ExitStack

import anyio.to_thread
import pytest

from service.decoding.queue import PLACES, PLACES_OF_ONE, PROCESSES_OF_ONE, Queue, Turns, client
from service.http.problems import Unavailable
from tests.processes import until


async def _waiting(
    queue: Queue, of: str, count: int, work: Callable[[], object]
) -> list[asyncio.Task[object]]:
    """Requests of a client, which have places in the queue when this returns."""
    client.set(of)
    tasks = [asyncio.create_task(queue.run(work)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


def test_a_full_queue_refuses_at_once_and_takes_no_other_thread() -> None:
    """Who has too many requests in the queue gets 503 with Retry-After; others still get a place, until all
    are taken; and meanwhile the threads that answer are free.
    """

    async def scenario() -> None:
        queue, end = Queue(), threading.Event()
        tasks = await _waiting(queue, "one", PLACES_OF_ONE, end.wait)
        with pytest.raises(Unavailable) as refusal:
            await queue.run(end.wait)
        assert int(refusal.value.headers["Retry-After"]) > 0
        tasks += await _waiting(queue, "other", PLACES - PLACES_OF_ONE, end.wait)
        for of in ("other", "third"):
            client.set(of)
            with pytest.raises(Unavailable):
                await queue.run(end.wait)
        assert await anyio.to_thread.run_sync(lambda: "answer") == "answer"
        end.set()
        assert await asyncio.gather(*tasks) == [True] * PLACES
        assert await queue.run(lambda: "a place again") == "a place again"

    asyncio.run(scenario())


def _take(turns: Turns, of: str, stack: ExitStack) -> None:
    client.set(of)
    stack.enter_context(turns.turn())


def test_a_client_waits_only_for_its_own_files() -> None:
    """While all turns of one client are taken and more of its files wait, another client has a turn at once;
    the first one's next file has a turn when one of its own has ended.
    """
    turns, had = Turns(), threading.Event()

    def next_file() -> None:
        with ExitStack() as stack:
            _take(turns, "one", stack)
            had.set()

    with ExitStack() as first:
        for _ in range(PROCESSES_OF_ONE):
            _take(turns, "one", first)
        waiting = threading.Thread(target=next_file)
        waiting.start()
        until(lambda: len(turns._waiting) == 1, "the next file to wait")
        with ExitStack() as second:
            _take(turns, "other", second)
        assert not had.is_set()
    waiting.join()
    assert had.is_set()


def test_the_end_of_the_service_lets_nobody_wait() -> None:
    """Who waits for a turn when the service stops gets 503."""
    turns, refusals = Turns(), []

    def wait() -> None:
        try:
            with ExitStack() as stack:
                _take(turns, "one", stack)
        except Unavailable as refusal:
            refusals.append(refusal)

    with ExitStack() as taken:
        for _ in range(PROCESSES_OF_ONE):
            _take(turns, "one", taken)
        waiting = threading.Thread(target=wait)
        waiting.start()
        until(lambda: len(turns._waiting) == 1, "a file to wait")
        turns.close()
        waiting.join()
    assert len(refusals) == 1
