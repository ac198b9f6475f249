"""The images that a selection chooses from: their embeddings, labels, and which are left out and why."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from models.explanation.curve import DELTA_SHARE
from models.similarity import DUPLICATE_SHARE, duplicate_groups, leaks, pair_distances, typical_distance
from models.vectors.points import Points
from store.question import AUTO, OFF, Question
from store.selections import Embedded
from worker.attempt import Attempt
from worker.cache.vectors import Matrix, PoolVectors
from worker.outcomes import Permanent
from worker.selection.snapshot import PoolSnapshot

Rows = npt.NDArray[np.intp]
Near = tuple[int, int, float]
"""A row, the row that it is near to, and their distance."""


@dataclass(frozen=True)
class Candidates:
    """The images that a selection chooses from, and the labelled images. Rows are rows of `points`."""

    images: Sequence[Embedded]
    tests: Sequence[Embedded]
    points: Points
    labelled: Rows
    include: Rows
    left_out: Rows
    """Images that are neither picked nor counted. Labelled ones among them still cover others."""
    typical_distance: float
    """The distance of two typical images of the split, whatever their names."""
    test_distance: float | None = None
    near_test: Sequence[Near] = ()
    """Images left out, each with the nearest image of `tests`."""
    near_test_kept: Sequence[Near] = ()
    """Labelled images and images to include that are as near, but stay."""
    duplicates_within: float | None = None
    duplicates: Sequence[Near] = ()
    """Images left out, each with the copy or near-duplicate that counts for both."""

    @property
    def fixed(self) -> Rows:
        """Labelled images and images to include: they stay, however near to another image they are."""
        return np.union1d(self.labelled, self.include)

    @property
    def delta(self) -> float:
        """The distance up to which images look alike."""
        return DELTA_SHARE * self.typical_distance

    @property
    def pickable(self) -> int:
        return len(self.images) - len(np.union1d(self.labelled, self.left_out))

    def left_out_document(self, most: int) -> dict[str, Any]:
        """`left_out` of the selection's document: the counts, and at most `most` images for each reason."""
        return {
            "test_distance": self.test_distance,
            "near_test_count": len(self.near_test),
            "near_test": self._listed(self.near_test, self.tests, "test_", most),
            "near_test_kept_count": len(self.near_test_kept),
            "near_test_kept": self._listed(self.near_test_kept, self.tests, "test_", most),
            "duplicates_within": self.duplicates_within,
            "duplicate_count": len(self.duplicates),
            "duplicates": self._listed(self.duplicates, self.images, "of_", most),
        }

    def _listed(
        self, near: Sequence[Near], others: Sequence[Embedded], prefix: str, most: int
    ) -> list[dict[str, Any]]:
        return [
            {
                **_id_and_name(self.images[row], ""),
                **_id_and_name(others[other], prefix),
                "distance": distance,
            }
            for row, other, distance in sorted(near, key=lambda entry: entry[2])[:most]
        ]


def find_candidates(attempt: Attempt, question: Question, snapshot: PoolSnapshot) -> Candidates:
    """Gather the embeddings, and leave out images that are too near to a test image or to another image.

    Labelled images and images to include are never left out for that. Raises Permanent if no image is left
    by the name filter.
    """
    vectors = attempt.tools.vectors.pool_vectors(snapshot.pool.id)
    found = _gathered(attempt, vectors, question, snapshot)
    if not question.count_copies:
        found = _without_copies(found)
    near = _threshold(question.test_distance, found.typical_distance)
    if found.tests and near is not None:
        tests = attempt.tools.vectors.gather(vectors, (image.id for image in found.tests))
        found = _without_near_test(found, tests, near)
    within = _threshold(question.duplicates_within, found.typical_distance)
    return found if within is None else _without_duplicates(found, within)


def _gathered(
    attempt: Attempt, vectors: PoolVectors, question: Question, snapshot: PoolSnapshot
) -> Candidates:
    """The candidates, of which those are left out that the question excludes, or does not consider."""
    include = set(map(uuid.UUID, question.include))
    matching = include | {image.id for image in question.considered(snapshot.images)}
    images = [image for image in snapshot.images if image.id in matching or image.id in snapshot.labelled]
    if not images:
        raise Permanent(
            "budget-exceeds-pool",
            f"No embedded {question.split} image can be picked: upload photos, or ask for other names.",
        )
    row_of = {image.id: row for row, image in enumerate(images)}
    others = [row for row, image in enumerate(images) if image.id not in matching]
    excluded = _rows(row_of, map(uuid.UUID, question.exclude))
    return Candidates(
        images=images,
        tests=snapshot.tests,
        points=Points.of(attempt.tools.vectors.gather(vectors, (image.id for image in images))),
        labelled=_rows(row_of, snapshot.labelled),
        include=_rows(row_of, include),
        left_out=np.union1d(excluded, np.asarray(others, np.intp)),
        # Measured on all images of the split: a name filter may match one drive, whose frames are all alike.
        typical_distance=typical_distance(
            vectors.matrix, rows=vectors.rows(image.id for image in snapshot.images)
        ),
    )


def _without_copies(found: Candidates) -> Candidates:
    """Leave out the images that have the bytes of another one: of a fixed one, or of an earlier one."""
    asked = _without(len(found.images), found.fixed, found.left_out).tolist()
    firsts: dict[str, int] = {}
    for row in (*found.fixed.tolist(), *asked):
        firsts.setdefault(found.images[row].sha256, row)
    nearest = ((row, firsts[found.images[row].sha256]) for row in asked)
    copies = [(row, first, 0.0) for row, first in nearest if row != first]
    return replace(found, left_out=np.union1d(found.left_out, _rows_of(copies)), duplicates=copies)


def _without_near_test(found: Candidates, tests: Matrix, distance: float) -> Candidates:
    """Leave out the images that are nearer than `distance` to one of `tests`, (N, d)."""
    asked = np.union1d(found.fixed, _without(len(found.images), found.left_out))
    near, stays = leaks(found.points, asked, tests, distance), set(found.fixed.tolist())
    left_out = [entry for entry in near if entry[0] not in stays]
    return replace(
        found,
        left_out=np.union1d(found.left_out, _rows_of(left_out)),
        test_distance=distance,
        near_test=left_out,
        near_test_kept=[entry for entry in near if entry[0] in stays],
    )


def _without_duplicates(found: Candidates, within: float) -> Candidates:
    """Leave out the images for which another one counts that is nearer than `within`."""
    asked = _without(len(found.images), found.fixed, found.left_out)
    duplicates = _duplicates(found.points, found.fixed, asked, within)
    left_out = np.union1d(found.left_out, _rows_of(duplicates))
    both = [*found.duplicates, *duplicates]
    return replace(found, left_out=left_out, duplicates_within=within, duplicates=both)


def _threshold(asked: float | str | None, typical: float) -> float | None:
    if asked is None or asked == OFF:
        return None
    return DUPLICATE_SHARE * typical if asked == AUTO else float(asked)


def _duplicates(points: Points, fixed: Rows, asked: Rows, within: float) -> list[Near]:
    """The rows among `asked` for which another row counts, a row of `fixed` if possible."""
    groups = duplicate_groups(points, within, np.concatenate([fixed, asked]))
    pairs = [(row, first) for first, *others in groups for row in np.setdiff1d(others, fixed).tolist()]
    rows, firsts = np.array(pairs, np.intp).reshape(-1, 2).T
    distances = pair_distances(points.embeddings, rows, firsts)
    return list(zip(rows.tolist(), firsts.tolist(), distances.tolist(), strict=True))


def _rows(row_of: Mapping[uuid.UUID, int], image_ids: Iterable[uuid.UUID]) -> Rows:
    """The rows of these images in ascending order. Images that have no row are skipped."""
    return np.asarray(sorted(row_of[image_id] for image_id in image_ids if image_id in row_of), np.intp)


def _without(count: int, *rows: Rows) -> Rows:
    """All of `count` rows but these."""
    return np.setdiff1d(np.arange(count), np.concatenate(rows))


def _rows_of(near: Sequence[Near]) -> Rows:
    return np.asarray([row for row, *_ in near], np.intp)


def _id_and_name(image: Embedded, prefix: str) -> dict[str, str]:
    return {f"{prefix}image_id": str(image.id), f"{prefix}name": image.name}
