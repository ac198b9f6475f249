"""How well a choice of images covers a pool."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.vectors.distances import nearest_of
from models.vectors.points import Indices, Points, Vectors


@dataclass(frozen=True)
class Coverage:
    """The Euclidean distance from an image to its nearest centre: the mean and the maximum over all counted
    images, and the share of them `within` a given distance (None without one).
    """

    mean: float
    maximum: float
    within: float | None = None


def coverage(
    embeddings: Vectors,
    centres: Sequence[int],
    *,
    delta: float | None = None,
    exclude: Sequence[int] = (),
) -> Coverage:
    """How well the images `centres`, picked or labelled, cover those of `embeddings` (N, D) that are not in
    `exclude`. `delta` is the distance for `within`.

    The mean is what k-medoids lowers, the maximum what k-centre lowers. Raises ValueError without centres or
    images.
    """
    if len(centres) == 0:
        raise ValueError("Coverage needs at least one pick.")
    if len(set(exclude)) >= len(embeddings):
        raise ValueError("Coverage needs at least one image that is not excluded.")
    distances = np.delete(assignment(embeddings, centres)[1], np.asarray(exclude, np.intp))
    return Coverage(
        float(distances.mean(dtype=np.float64)),
        float(distances.max()),
        None if delta is None else float((distances <= delta).mean()),
    )


def assignment(embeddings: Vectors, centres: Sequence[int]) -> tuple[Indices, npt.NDArray[np.float32]]:
    """For every image the place in `centres` of the nearest one, (N,), and its Euclidean distance, (N,).

    The first among equals; a centre is its own. Raises ValueError when the embeddings are unusable.
    """
    points = Points.of(embeddings)
    places, distances = nearest_of(points, np.asarray(centres, np.intp))
    return places, distances * np.float32(points.scale)
