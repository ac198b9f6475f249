"""Work on the rows of a large matrix, block by block, on all threads. The result does not depend on their
number.
"""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from typing import Any, TypeVar

from threadpoolctl import OpenBLASController, ThreadpoolController

from models.faiss_shim import faiss
from models.stopping import stop_if_asked

BLOCK_ROWS = 4096
"""Rows that a thread works on at a time: 32 MiB of float32 at 2,048 dimensions."""

Item = TypeVar("Item")
Result = TypeVar("Result")

_this_thread = threading.local()


def blocks(count: int, rows: int = BLOCK_ROWS) -> list[slice]:
    """Slices of at most `rows` rows that together cover `count` rows."""
    return [slice(start, min(start + rows, count)) for start in range(0, count, rows)]


def on_all_threads(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """The results of `work` for every item, in their order, computed on as many threads as FAISS uses
    (`OMP_NUM_THREADS`).

    Within an item BLAS and FAISS use one thread, because a sum that is split over threads depends on their
    number. If `work` calls this function itself, the inner call runs in the thread that called it.
    """

    def checked(item: Item) -> Result:
        stop_if_asked()
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
    # OpenMP keeps this setting per thread, so it applies to the pool's threads only.
    faiss.omp_set_num_threads(1)


# A forked process inherits the pool object, but not its threads.
os.register_at_fork(after_in_child=_threads.cache_clear)


class _OneBlasThread:
    """NumPy's BLAS has one setting for the whole process. The first thread that enters sets it, and the last
    one that leaves resets it. FAISS's BLAS follows OpenMP, which has a setting for each thread.
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
    """A context in which BLAS uses one thread, in the whole process."""
    return _one_blas_thread
