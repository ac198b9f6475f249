"""How well chosen images cover a pool."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.vectors.distances import nearest_centres
from models.vectors.points import Indices, Points, Vectors


@dataclass(frozen=True)
class Coverage:
    """Euclidean distances from the counted images to their nearest centres: the mean, the maximum, and the
    share of the images that are `within` a given distance (None if none was given).
    """

    mean: float
    maximum: float
    within: float | None = None


def coverage(
    embeddings: Vectors | Points,
    centres: Sequence[int],
    *,
    delta: float | None = None,
    exclude: Sequence[int] = (),
) -> Coverage:
    """How well the images `centres`, which are picked or labelled, cover the images of `embeddings` (N, D)
    that are not in `exclude`. `delta` is the distance for `within`.

    k-medoids minimises the mean, k-centre the maximum. Raises ValueError without centres or without images.
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


def assignment(
    embeddings: Vectors | Points, centres: Sequence[int]
) -> tuple[Indices, npt.NDArray[np.float32]]:
    """For every image, the place of its nearest centre in `centres`, and the Euclidean distance to it: (N,)
    each.

    Of equally near centres the first counts; a centre's nearest centre is itself. Raises ValueError if the
    embeddings are unusable.
    """
    points = Points.of(embeddings)
    places, distances = nearest_centres(points, np.asarray(centres, np.intp))
    return places, distances * np.float32(points.scale)
