"""A two-dimensional map of a pool, in which similar images lie near each other."""

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from models.vectors.blocks import blocks, on_all_threads
from models.vectors.points import Distances, Matrix, Points, Vectors

SAMPLE = 8192
"""Rows that the principal axes are computed from, evenly spaced over the embeddings. More rows would hardly
change the axes, and take minutes.
"""

UMAP_ROWS = 20_000
UMAP_FEWEST = 16
"""The largest pool that UMAP maps, which then takes a minute; and the smallest pool that UMAP can
map, as it uses 15 neighbours of every image.
"""


@dataclass(frozen=True)
class PoolMap:
    """The positions `points` (N, 2), float32, computed by `method`, "pca" or "umap".

    With PCA, positions are coordinates along the principal axes, and `explained` is the share of the variance
    along each axis. With UMAP, only neighbourhoods have a meaning, and `explained` is None.
    """

    points: Matrix
    method: str
    explained: tuple[float, float] | None


def pool_map(embeddings: Vectors | Points) -> PoolMap:
    """Map `embeddings`, (N, D), by UMAP (McInnes et al., 2018), which keeps neighbours together better, if
    umap-learn is installed and the pool has `UMAP_FEWEST` to `UMAP_ROWS` images, else by principal component
    analysis. The same embeddings give the same map.
    """
    points = Points.of(embeddings)
    fits = UMAP_FEWEST <= len(points) <= UMAP_ROWS
    return _umap(points) if fits and find_spec("umap") else _pca(points)


def _pca(points: Points) -> PoolMap:
    axes, explained = _principal_axes(points)
    parts = on_all_threads(lambda rows: points[rows] @ axes, blocks(len(points)))
    return PoolMap(np.concatenate(parts) * np.float32(points.scale), "pca", explained)


def _principal_axes(points: Points) -> tuple[Matrix, tuple[float, float]]:
    """The first two principal axes, (D, 2), with their largest entries positive, and their shares of the
    variance.
    """
    every = -(-len(points) // SAMPLE)
    sample = points[np.arange(0, len(points), every)].astype(np.float64)
    variances, vectors = np.linalg.eigh(sample.T @ sample)
    axes = np.zeros((len(vectors), 2))
    shares: Distances = np.zeros(2)
    found = min(2, len(vectors))
    axes[:, :found] = vectors[:, ::-1][:, :found]
    shares[:found] = np.maximum(variances[::-1][:found], 0) / (variances.sum() or 1)
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), [0, 1]] < 0, -1, 1)
    return axes.astype(np.float32), (float(shares[0]), float(shares[1]))


def _umap(points: Points) -> PoolMap:
    from umap import UMAP  # type: ignore[import-not-found, import-untyped, unused-ignore]

    # With several jobs the same seed gives different maps.
    network = UMAP(n_neighbors=UMAP_FEWEST - 1, random_state=0, n_jobs=1)
    return PoolMap(network.fit_transform(points[slice(None)]).astype(np.float32), "umap", None)
