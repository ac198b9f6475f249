"""Work on the rows of a large matrix, block by block, on all threads and with one result."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, TypeVar

import faiss
from threadpoolctl import ThreadpoolController

BLOCK_ROWS = 4096
"""Rows a thread works on at a time: 32 MiB of float32 at 2,048 dimensions."""

Item = TypeVar("Item")
Result = TypeVar("Result")

_this_thread = threading.local()
_blas = ThreadpoolController().select(user_api="blas")


def one_blas_thread() -> AbstractContextManager[Any]:
    """Within it, BLAS uses one thread for what the calling thread computes by itself."""
    context: AbstractContextManager[Any] = _blas.limit(limits=1)
    return context


def blocks(count: int, rows: int = BLOCK_ROWS) -> list[slice]:
    """Slices that cover `count` rows, at most `rows` each."""
    return [slice(start, min(start + rows, count)) for start in range(0, count, rows)]


def on_all_threads(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """`work` of every item, in the order of the items, on as many threads as FAISS uses (`OMP_NUM_THREADS`).

    Within an item BLAS and FAISS use one thread: a sum split over threads would depend on their number. Work
    that asks for all threads itself goes on in its own.
    """
    if getattr(_this_thread, "is_one_of_all", False):
        return [work(item) for item in items]
    with one_blas_thread():
        return list(_threads(faiss.omp_get_max_threads()).map(work, items))


@cache
def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="select", initializer=_join)


def _join() -> None:
    _this_thread.is_one_of_all = True
    # OpenMP counts threads for each thread that asks: this is the setting of the pool's alone.
    faiss.omp_set_num_threads(1)
