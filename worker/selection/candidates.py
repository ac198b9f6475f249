"""What a selection chooses from: embeddings, what is labelled, and which images are left out and why."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from models.explanation.curve import DELTA_SHARE
from models.similarity import DUPLICATE_SHARE, duplicate_groups, leaks, pair_distances, typical_distance
from models.vectors.points import Points
from store import selections
from store.question import AUTO, OFF, Question
from store.selections import Embedded
from store.states import TEST
from store.tables import Pool
from worker.attempt import Attempt
from worker.outcomes import Permanent

Rows = npt.NDArray[np.intp]
Near = tuple[int, int, float]
"""A row, the row that it is near to, and their distance."""


@dataclass(frozen=True)
class Basis:
    """The part of a pool that a question is about, in the order of ids."""

    pool: Pool
    images: Sequence[Embedded]
    """The embedded images of the split."""
    tests: Sequence[Embedded]
    """The embedded test images, if the question looks at them."""
    labelled: Mapping[uuid.UUID, int]
    """The revisions of the annotations that count, by the images' ids."""


def basis(
    session: Session,
    pool_id: uuid.UUID,
    question: Question,
    *,
    up_to: str | None = None,
    labelled: Mapping[uuid.UUID, int] | None = None,
) -> Basis:
    """As the pool is now; or with the images up to an id, and with those labelled that were so earlier."""
    last = uuid.UUID(up_to) if up_to else None
    images = list(selections.embedded(session, pool_id, question.split, up_to=last))
    if labelled is None:
        labelled = selections.annotated(session, pool_id, question.split)
    return Basis(
        pool=session.get_one(Pool, pool_id),
        images=images,
        tests=list(selections.embedded(session, pool_id, TEST, up_to=last))
        if question.looks_at_tests
        else [],
        labelled={image.id: labelled[image.id] for image in images if image.id in labelled},
    )


@dataclass(frozen=True)
class Ground:
    """The images that a selection chooses from, and those that are labelled: rows of `points`."""

    images: Sequence[Embedded]
    tests: Sequence[Embedded]
    points: Points
    labelled: Rows
    include: Rows
    left_out: Rows
    """Neither picked nor counted; labelled ones cover others all the same."""
    typical_distance: float
    """Of two images of the split, those included that the name filter leaves out."""
    test_distance: float | None
    near_test: Sequence[Near]
    """Images left out, each with the nearest of `tests`."""
    near_test_kept: Sequence[Near]
    """Labelled ones and those to include that are as near."""
    duplicates_within: float | None
    duplicates: Sequence[Near]
    """Images, each with the one that counts for both."""

    @property
    def delta(self) -> float:
        """The distance at which images look of a kind."""
        return DELTA_SHARE * self.typical_distance

    @property
    def pickable(self) -> int:
        return len(self.images) - len(np.union1d(self.labelled, self.left_out))

    def described(self, most: int) -> dict[str, Any]:
        """`left_out` of the selection's document: counts, and so many of the nearest."""
        return {
            "test_distance": self.test_distance,
            "near_test_count": len(self.near_test),
            "near_test": self._near_tests(self.near_test, most),
            "near_test_kept_count": len(self.near_test_kept),
            "near_test_kept": self._near_tests(self.near_test_kept, most),
            "duplicates_within": self.duplicates_within,
            "duplicate_count": len(self.duplicates),
            "duplicates": [
                {**_named(self.images[row], ""), **_named(self.images[of], "of_"), "distance": distance}
                for row, of, distance in _nearest(self.duplicates, most)
            ],
        }

    def _near_tests(self, near: Sequence[Near], most: int) -> list[dict[str, Any]]:
        return [
            {**_named(self.images[row], ""), **_named(self.tests[test], "test_"), "distance": distance}
            for row, test, distance in _nearest(near, most)
        ]


def ground(attempt: Attempt, question: Question, basis: Basis) -> Ground:
    """Lay the embeddings out, and find the images that are too like a test image, or too like another one.

    Images to include stay, whatever they are like, and so do labelled ones.
    """
    matching = {image.id for image in basis.images if question.matches(image.name)}
    images = [image for image in basis.images if image.id in matching or image.id in basis.labelled]
    if not images:
        raise Permanent(
            "budget-exceeds-pool",
            f"No embedded {question.split} image can be picked: upload photos, or ask for other names.",
        )
    row_of = {image.id: row for row, image in enumerate(images)}
    vectors = attempt.tools.vectors.pool_vectors(basis.pool.id)
    # Not only of those that match: the frames of one drive are all near to each other.
    typical = typical_distance(vectors.matrix, rows=vectors.rows(image.id for image in basis.images))
    gathered = attempt.tools.vectors.gathered
    points = Points.of(gathered(vectors, (image.id for image in images)))
    labelled = _rows(row_of, basis.labelled)
    include = _rows(row_of, map(uuid.UUID, question.include))
    others = [row for row, image in enumerate(images) if image.id not in matching]
    left_out = np.union1d(_rows(row_of, map(uuid.UUID, question.exclude)), np.asarray(others, np.intp))

    fixed = np.union1d(labelled, include)
    asked = np.union1d(fixed, _without(len(images), left_out))
    test_distance = _distance(question.test_distance, typical) if basis.tests else None
    near_any: list[Near] = []
    if test_distance is not None:
        tests = gathered(vectors, (image.id for image in basis.tests))
        near_any = leaks(points, asked, tests, test_distance)
    stays = set(fixed.tolist())
    near_test = [near for near in near_any if near[0] not in stays]
    left_out = np.union1d(left_out, _first(near_test))

    within = _distance(question.duplicates_within, typical)
    asked = _without(len(images), fixed, left_out)
    duplicates = [] if within is None else _duplicates(points, fixed, asked, within)
    return Ground(
        images=images,
        tests=basis.tests,
        points=points,
        labelled=labelled,
        include=include,
        left_out=np.union1d(left_out, _first(duplicates)),
        typical_distance=typical,
        test_distance=test_distance,
        near_test=near_test,
        near_test_kept=[near for near in near_any if near[0] in stays],
        duplicates_within=within,
        duplicates=duplicates,
    )


def _distance(asked: float | str | None, typical: float) -> float | None:
    if asked is None or asked == OFF:
        return None
    return DUPLICATE_SHARE * typical if asked == AUTO else float(asked)


def _duplicates(points: Points, fixed: Rows, asked: Rows, within: float) -> list[Near]:
    """Those of the rows asked about that another row, one of the fixed if possible, stands for."""
    groups = duplicate_groups(points, within, np.concatenate([fixed, asked]))
    pairs = [(row, first) for first, *others in groups for row in np.setdiff1d(others, fixed).tolist()]
    rows, firsts = np.array(pairs, np.intp).reshape(-1, 2).T
    distances = pair_distances(points.embeddings, rows, firsts)
    return list(zip(rows.tolist(), firsts.tolist(), distances.tolist(), strict=True))


def _rows(row_of: Mapping[uuid.UUID, int], image_ids: Iterable[uuid.UUID]) -> Rows:
    """In order, without images that are not there."""
    return np.asarray(sorted(row_of[image_id] for image_id in image_ids if image_id in row_of), np.intp)


def _without(count: int, *rows: Rows) -> Rows:
    """The other ones of `count` rows."""
    return np.setdiff1d(np.arange(count), np.concatenate(rows))


def _first(near: Sequence[Near]) -> Rows:
    return np.asarray([row for row, *_ in near], np.intp)


def _nearest(near: Sequence[Near], most: int) -> Sequence[Near]:
    return sorted(near, key=lambda entry: entry[2])[:most]


def _named(image: Embedded, prefix: str) -> dict[str, str]:
    return {f"{prefix}image_id": str(image.id), f"{prefix}name": image.name}
