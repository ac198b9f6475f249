"""Embeds photo files: decoding and encoding overlap, memory is bounded, a bad file never stops the rest."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from models.encoders.decoding import Failure, empty_photos, read_into
from models.encoders.decoding_processes import read_in_processes
from models.encoders.encoder import Encoder
from models.encoders.networks import Embeddings, Photos

BATCH_ON_CPU = 16
BATCH_ON_GPU = 128
GPU_CALLERS = 2
"""While one waits for the GPU, the other takes its batch from the processes. The GPU itself does one thing at
a time: copies to it and networks share a stream.
"""

NOT_FINITE = "the encoder gave no finite features"
"""Nor does it count as finite what float16, in which embeddings are kept, cannot hold."""


@dataclass(frozen=True)
class EmbeddedBatch:
    """The files `start` to `stop`: float32 (M, dimension), a row for each that was embedded, and the others.

    All numbers are finite, and so they are as float16. The failures' indices are among all the paths.
    """

    start: int
    stop: int
    embeddings: Embeddings
    failures: list[Failure]


def embed_batches(
    encoder: Encoder, paths: Sequence[Path], *, batch_size: int | None = None
) -> Iterator[EmbeddedBatch]:
    """Embeds the photos at `paths`, batch after batch, in their order.

    On a CPU each thread decodes a batch and encodes it, so that no core ever waits for another; for a GPU
    processes decode ahead. Work goes on while the caller uses a batch, up to two batches a thread ahead.
    Raises OSError when a file cannot be read at all.
    """
    on_cpu = encoder.device == "cpu"
    callers = encoder.threads if on_cpu else GPU_CALLERS
    size = batch_size or (BATCH_ON_CPU if on_cpu else BATCH_ON_GPU)
    ahead: deque[Future[EmbeddedBatch]] = deque()
    with ThreadPoolExecutor(callers, thread_name_prefix="embed") as threads:
        for start in range(0, len(paths), size):
            batch = paths[start : start + size]
            read = partial(read_into, paths=batch) if on_cpu else read_in_processes(batch)
            ahead.append(threads.submit(_embedded, encoder, read, start, len(batch)))
            if len(ahead) == 2 * callers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _embedded(
    encoder: Encoder, read: Callable[[Photos], list[Failure]], start: int, count: int
) -> EmbeddedBatch:
    photos = empty_photos(count)
    failures = read(photos)
    places = np.delete(np.arange(count), [failure.index for failure in failures])
    embeddings = encoder.encode(photos[places] if failures else photos)
    with np.errstate(over="ignore"):
        finite = np.isfinite(embeddings.astype(np.float16)).all(axis=1)
    failures += [Failure(place, NOT_FINITE) for place in places[~finite].tolist()]
    failures.sort(key=lambda failure: failure.index)
    shifted = [replace(failure, index=start + failure.index) for failure in failures]
    return EmbeddedBatch(start, start + count, embeddings if finite.all() else embeddings[finite], shifted)


def embed_files(
    encoder: Encoder,
    paths: Sequence[Path],
    *,
    batch_size: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Embeddings, list[Failure]]:
    """Embeds the photos at `paths`.

    Returns float32 (M, dimension), a row for each file that could be embedded, in the order of `paths`, and
    the failures, in that order too. `on_progress(done, total)` is called after every batch; what it raises
    ends the work. Raises as `embed_batches` does.
    """
    blocks = [np.empty((0, encoder.dimension), np.float32)]
    failures: list[Failure] = []
    for batch in embed_batches(encoder, paths, batch_size=batch_size):
        blocks.append(batch.embeddings)
        failures += batch.failures
        if on_progress is not None:
            on_progress(batch.stop, len(paths))
    return np.concatenate(blocks), failures
