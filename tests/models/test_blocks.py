"""Work on all threads."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import faiss
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from models.vectors.blocks import on_all_threads, one_blas_thread


@pytest.fixture
def three_threads() -> Iterator[None]:
    """FAISS and BLAS have three threads, however many the environment gives them."""
    default = faiss.omp_get_max_threads()
    with threadpool_limits(3, user_api="blas"):
        faiss.omp_set_num_threads(3)
        yield
    faiss.omp_set_num_threads(default)


@pytest.mark.usefixtures("three_threads")
def test_items_are_worked_on_at_the_same_time() -> None:
    """Items run on as many threads as FAISS has. In each, FAISS and NumPy use one thread, whoever called."""
    together = threading.Barrier(3)

    def work(item: int) -> tuple[int, int, list[int]]:
        together.wait(timeout=20)
        numpy = [library["num_threads"] for library in threadpool_info() if "numpy" in library["filepath"]]
        return item, faiss.omp_get_max_threads(), numpy

    expected = [(item, 1, [1]) for item in range(6)]
    assert on_all_threads(work, range(6)) == expected
    with one_blas_thread():
        assert on_all_threads(work, range(6)) == expected
    with ThreadPoolExecutor(1) as other:
        # FAISS keeps a number for each calling thread, by default the number of cores.
        assert other.submit(_with_three, work).result() == expected


def _with_three(work: Callable[[int], tuple[int, int, list[int]]]) -> list[tuple[int, int, list[int]]]:
    faiss.omp_set_num_threads(3)
    return on_all_threads(work, range(6))


@pytest.mark.usefixtures("three_threads")
def test_threads_are_given_back() -> None:
    """After all have left, in any order, FAISS and BLAS have their former numbers of threads."""

    def counts() -> list[int]:
        return [library["num_threads"] for library in threadpool_info()] + [faiss.omp_get_max_threads()]

    before = counts()
    entered, is_left = threading.Event(), threading.Event()

    def stay() -> None:
        with one_blas_thread():
            entered.set()
            is_left.wait(timeout=20)

    other = threading.Thread(target=stay)
    with one_blas_thread():
        other.start()
        entered.wait(timeout=20)
    assert counts() != before
    is_left.set()
    other.join()
    assert counts() == before
