"""Work on the rows of a large matrix, block by block, on all threads and with one result."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import faiss
from threadpoolctl import ThreadpoolController

BLOCK_ROWS = 4096
"""Rows a thread works on at a time: 32 MiB of float32 at 2,048 dimensions."""

Item = TypeVar("Item")
Result = TypeVar("Result")

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

    Within an item BLAS and FAISS use one thread: a sum split over threads would depend on their number.
    """
    threads = faiss.omp_get_max_threads()
    with (
        one_blas_thread(),
        # OpenMP counts threads for each thread that asks: this setting is that of the pool's alone.
        ThreadPoolExecutor(threads, initializer=faiss.omp_set_num_threads, initargs=(1,)) as pool,
    ):
        return list(pool.map(work, items))
