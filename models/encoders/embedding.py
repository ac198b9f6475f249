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
from models.encoders.networks import Embeddings, Patches, Photos

BATCH_ON_CPU = 16
BATCH_ON_GPU = 128
GPU_CALLERS = 2
"""While one thread waits for the GPU, the other takes its batch from the decoding processes. The GPU itself
does one thing at a time: copies and networks share a stream.
"""

NOT_FINITE = "the encoder gave no finite features"
"""Numbers that overflow float16, in which features are stored, do not count as finite."""


@dataclass(frozen=True)
class EmbeddedBatch:
    """The result for the files `start` to `stop`: float32 (M, dimension), one row for each embedded file, and
    the failures of the other files; and the features of the embedded files' patches, float16 (M, 64, 64), or
    None if the encoder gives none.

    All numbers are finite, also after rounding to float16. A failure's index counts from the first of all
    paths.
    """

    start: int
    stop: int
    embeddings: Embeddings
    failures: list[Failure]
    patches: Patches | None = None


def embed_batches(
    encoder: Encoder, paths: Sequence[Path], *, batch_size: int | None = None
) -> Iterator[EmbeddedBatch]:
    """Embed the photos at `paths` and yield them batch by batch, in their order.

    On a CPU each thread decodes and encodes batches of its own, so no core waits for another. For a GPU other
    processes decode in advance. While the caller uses a batch, work continues, up to two batches per thread
    ahead. Raises OSError if a file cannot be read at all.
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
    embeddings, patches = encoder.features(photos[places] if failures else photos)
    with np.errstate(over="ignore"):
        finite = np.isfinite(embeddings.astype(np.float16)).all(axis=1)
    if patches is not None:
        finite &= np.isfinite(patches).all(axis=(1, 2))
        patches = patches[finite]
    failures += [Failure(place, NOT_FINITE) for place in places[~finite].tolist()]
    failures.sort(key=lambda failure: failure.index)
    shifted = [replace(failure, index=start + failure.index) for failure in failures]
    kept = embeddings if finite.all() else embeddings[finite]
    return EmbeddedBatch(start, start + count, kept, shifted, patches)


def embed_files(
    encoder: Encoder,
    paths: Sequence[Path],
    *,
    batch_size: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Embeddings, list[Failure]]:
    """Embed the photos at `paths`.

    Returns float32 (M, dimension), one row for each file that could be embedded, and the failures, both in
    the order of `paths`. `on_progress(done, total)` is called after every batch; an exception that it raises
    ends the work. Raises as `embed_batches` does.
    """
    found = embed_with_patches(encoder, paths, batch_size=batch_size, on_progress=on_progress)
    return found.embeddings, found.failures


def embed_with_patches(
    encoder: Encoder,
    paths: Sequence[Path],
    *,
    batch_size: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> EmbeddedBatch:
    """As `embed_files`, with the features of the photos' patches: one batch of all files."""
    nothing = encoder.features(empty_photos(0))
    batches = [EmbeddedBatch(0, 0, nothing.embeddings, [], nothing.patches)]
    for batch in embed_batches(encoder, paths, batch_size=batch_size):
        batches.append(batch)
        if on_progress is not None:
            on_progress(batch.stop, len(paths))
    patches = [batch.patches for batch in batches if batch.patches is not None]
    return EmbeddedBatch(
        0,
        len(paths),
        np.concatenate([batch.embeddings for batch in batches]),
        [failure for batch in batches for failure in batch.failures],
        np.concatenate(patches) if patches else None,
    )
