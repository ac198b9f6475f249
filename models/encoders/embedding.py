"""Embeds photo files: threads decode while the encoder computes, and a bad file never stops the rest."""

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from models.encoders.encoder import Embeddings, Encoder, Photos
from models.encoders.networks import PHOTO_SIZE

DECODING_THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True)
class Failure:
    """A file that could not be embedded: its index among the paths, and why."""

    index: int
    reason: str


def read_photo(path: Path) -> Photos:
    """The whole photo, upright by its EXIF orientation, as RGB uint8 (256, 256, 3); bilinear, antialiased.

    Raises what Pillow raises for a file that it cannot decode.
    """
    with Image.open(path) as image:
        # A large JPEG is decoded at a fraction of its size that still leaves two pixels for one.
        image.draft("RGB", (2 * PHOTO_SIZE, 2 * PHOTO_SIZE))
        photo = image.convert("RGB").resize((PHOTO_SIZE, PHOTO_SIZE), Image.Resampling.BILINEAR)
        # Turning the square is turning the photo, and costs less.
        return np.asarray(ImageOps.exif_transpose(photo))


def embed_files(
    encoder: Encoder,
    paths: Sequence[Path],
    *,
    batch_size: int = 32,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Embeddings, list[Failure]]:
    """Embeds the photos at `paths`.

    Returns float32 (M, dimension), a row for each file that could be decoded, in the order of `paths`, and
    the failures, in that order too. At most three batches of photos are in memory. `on_progress(done, total)`
    is called after every batch; what it raises ends the work.
    Raises OSError when a file cannot be read at all.
    """
    blocks = [np.empty((0, encoder.dimension), np.float32)]
    failures: list[Failure] = []
    waiting = iter(paths)
    decoding: deque[Future[Photos]] = deque()
    with ThreadPoolExecutor(DECODING_THREADS, thread_name_prefix="decode") as pool:
        for start in range(0, len(paths), batch_size):
            ahead = 2 * batch_size - len(decoding)
            decoding.extend(pool.submit(read_photo, path) for path in islice(waiting, ahead))
            photos = []
            for index in range(start, min(start + batch_size, len(paths))):
                try:
                    photos.append(decoding.popleft().result())
                except Exception as error:  # A damaged file raises whatever its format's parser trips over.
                    if isinstance(error, MemoryError) or getattr(error, "errno", None) is not None:
                        raise  # The machine is at fault: no memory, a failing disk, no such file.
                    failures.append(Failure(index, f"{type(error).__name__}: {error}"))
            if photos:
                blocks.append(encoder.encode(np.stack(photos)))
            if on_progress is not None:
                on_progress(min(start + batch_size, len(paths)), len(paths))
    return np.concatenate(blocks), failures
