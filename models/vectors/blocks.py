"""Work on the rows of a large matrix, block by block, on all threads and with one result."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cache
from typing import Any, TypeVar

from threadpoolctl import OpenBLASController, ThreadpoolController

from models.faiss_shim import faiss

BLOCK_ROWS = 4096
"""Rows a thread works on at a time: 32 MiB of float32 at 2,048 dimensions."""

Item = TypeVar("Item")
Result = TypeVar("Result")

_stop_if_asked: ContextVar[Callable[[], None]] = ContextVar("_stop_if_asked", default=lambda: None)
_this_thread = threading.local()


@contextmanager
def stopped_by(check: Callable[[], None]) -> Iterator[None]:
    """Within it, work in blocks calls `check` before every block: an exception that it raises ends it."""
    token = _stop_if_asked.set(check)
    try:
        yield
    finally:
        _stop_if_asked.reset(token)


def check() -> None:
    """Raise what the caller of `stopped_by` raises, if it is time to stop."""
    _stop_if_asked.get()()


def blocks(count: int, rows: int = BLOCK_ROWS) -> list[slice]:
    """Slices that cover `count` rows, at most `rows` each."""
    return [slice(start, min(start + rows, count)) for start in range(0, count, rows)]


def on_all_threads(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """`work` of every item, in the order of the items, on as many threads as FAISS uses (`OMP_NUM_THREADS`).

    Within an item BLAS and FAISS use one thread: a sum split over threads would depend on their number. Work
    that asks for all threads itself goes on in its own.
    """

    def checked(item: Item) -> Result:
        check()
        return work(item)

    if getattr(_this_thread, "is_one_of_all", False):
        return [checked(item) for item in items]
    context = copy_context()
    with one_blas_thread():
        threads = _threads(faiss.omp_get_max_threads())
        return list(threads.map(lambda item: context.copy().run(checked, item), items))


@cache
def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="select", initializer=_join)


def _join() -> None:
    _this_thread.is_one_of_all = True
    # OpenMP counts threads for each thread that asks: this is the setting of the pool's alone.
    faiss.omp_set_num_threads(1)


# A forked process has the pool, but none of its threads.
os.register_at_fork(after_in_child=_threads.cache_clear)


class _OneBlasThread:
    """NumPy's BLAS has one setting for the whole process: the first to enter sets it and the last to leave
    resets it, whichever threads they are. FAISS's BLAS follows OpenMP, with a setting for each thread.
    """

    def __init__(self) -> None:
        self._blas = ThreadpoolController().select(threading_layer="pthreads")
        self._lock = threading.Lock()
        self._inside = 0
        self._limits: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                OpenBLASController.clear_controlling_thread(force=True)
                self._limits = self._blas.limit(limits=1)
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                OpenBLASController.clear_controlling_thread(force=True)
                self._limits.restore_original_limits()


_one_blas_thread = _OneBlasThread()


def one_blas_thread() -> _OneBlasThread:
    """Within it, BLAS uses one thread, in the whole process."""
    return _one_blas_thread
