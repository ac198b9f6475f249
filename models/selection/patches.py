"""Patches of photos, and the visual words that they fall into (Sivic and Zisserman, 2003)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.faiss_shim import faiss
from models.selection.kmeans import WeightedRows, kmeans_plus_plus, lloyd
from models.vectors.blocks import blocks, on_all_threads
from models.vectors.points import Indices, Matrix, Vectors, as_float32

Counts = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

VOCABULARIES = 8
"""One vocabulary depends on where k-means starts, so several are drawn and all of them count."""

WORDS = 10
"""Words of a vocabulary: about as many as there are classes. On CamVid 200 give worse models."""

PATCHES_A_WORD = 8
"""In a small pool a vocabulary has fewer words, so that each stands for this many patches on average."""

SAMPLE = 2**14
"""Patches that a vocabulary is made from; of more, that many are drawn."""

IMAGES_A_BLOCK = 256


@dataclass(frozen=True)
class Patches:
    """The features of the patches of N images: those of image n are `features[rows[n]]`, (P, D).

    `features` (M, P, D) may be memory-mapped. Raises ValueError unless they are floats, P and D at least 1.
    """

    features: Vectors
    rows: Indices

    def __post_init__(self) -> None:
        if (
            self.features.ndim != 3
            or 0 in self.features.shape[1:]
            or not np.issubdtype(self.features.dtype, np.floating)
        ):
            raise ValueError(
                f"Patches must be floating-point numbers of shape (images, patches, dimension), not "
                f"{self.features.dtype} of shape {self.features.shape}."
            )

    @classmethod
    def of(cls, patches: "Vectors | Patches") -> "Patches":
        """The patches of all images of an array (N, P, D)."""
        return patches if isinstance(patches, Patches) else cls(patches, np.arange(len(patches)))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, images: slice | Indices) -> Matrix:
        """The patches of these images, one below the other: float32 (M · P, D)."""
        return as_float32(self.features[self.rows[images]].reshape(-1, self.features.shape[2]))

    @property
    def per_image(self) -> int:
        return int(self.features.shape[1])

    def drawn(self, images: Indices, count: int, rng: np.random.Generator) -> Matrix:
        """`count` patches of these images, drawn without replacement, or all if there are fewer."""
        total = len(images) * self.per_image
        if total <= count:
            return self[images]
        places = np.sort(rng.choice(total, count, replace=False))
        return as_float32(self.features[self.rows[images[places // self.per_image]], places % self.per_image])


@dataclass(frozen=True)
class Words:
    """Several vocabularies: the centres of each, (W, D)."""

    centres: list[Matrix]

    def nearest(self, patches: Patches, images: slice | Indices) -> Indices:
        """The nearest word of every patch in each vocabulary: (M, P, vocabularies), columns of `counts`."""
        rows = patches[images]
        starts = np.cumsum([0, *map(len, self.centres[:-1])])
        columns = [
            faiss.knn(rows, each, 1)[1][:, 0] + start
            for start, each in zip(starts, self.centres, strict=True)
        ]
        return np.stack(columns, axis=1).reshape(-1, patches.per_image, len(columns))

    def counts(self, patches: Patches, images: Indices) -> Counts:
        """How many patches of each image are nearest to each word: (M, W), the words of all vocabularies."""
        dtype = np.uint8 if patches.per_image < 256 else np.uint16
        table = np.zeros((len(images), sum(map(len, self.centres))), dtype)

        def count(block: slice) -> None:
            nearest = self.nearest(patches, images[block])
            np.add.at(table[block], (np.arange(len(nearest))[:, None, None], nearest), 1)

        on_all_threads(count, blocks(len(images), IMAGES_A_BLOCK))
        return table


def find_words(patches: Patches, images: Indices, rng: np.random.Generator, most: int = WORDS) -> Words:
    """Several vocabularies of at most `most` words: the centres that k-means finds in samples of these
    images' patches.
    """

    def centres(own: np.random.Generator) -> Matrix:
        return _centres(patches.drawn(images, SAMPLE, own), own, most)

    return Words(on_all_threads(centres, rng.spawn(VOCABULARIES)))


def _centres(sample: Matrix, rng: np.random.Generator, most: int) -> Matrix:
    rows = WeightedRows(lambda places: sample[places], np.ones(len(sample)))
    k, none = max(1, min(most, len(sample) // PATCHES_A_WORD)), sample[:0]
    clusters = lloyd(rows, kmeans_plus_plus(rows, k, none, rng), k, none).clusters
    order = np.argsort(clusters, kind="stable")
    starts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
    sums = np.add.reduceat(sample[order], starts, axis=0, dtype=np.float64)
    return (sums / np.diff(starts, append=len(sample))[:, None]).astype(np.float32)
