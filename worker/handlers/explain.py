"""Explain jobs: how good a selection is, in numbers and pictures, and which images each pick stands for."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import chain, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from models import explanation
from models.explanation import (
    CurvePoint,
    Explanation,
    PoolMap,
    RandomDraws,
    draw_curve,
    draw_map,
    pool_map,
)
from models.selection import Approach, Coverage, approach
from store import blobs, explanations, selections, tables
from store.explanations import Member
from store.question import Question
from store.tables import Job
from worker.attempt import Attempt
from worker.handlers.replay import not_in_use
from worker.outcomes import Outcome, Permanent
from worker.selection.candidates import Candidates, Rows, find_candidates
from worker.selection.patches import candidates_patches
from worker.selection.snapshot import PoolSnapshot, take_snapshot

NEAREST, NEAREST_OF_ALL = 24, 24_000
"""The most images that are listed with one pick, and with all picks: the document is read as a whole."""


@dataclass(frozen=True)
class Cover:
    """Which images cover which; all are rows of the candidates."""

    picks: Rows
    """In the order of their ranks."""
    labelled: Rows
    counted: Rows
    """The images that were to be covered."""
    approach: Approach
    """How the picks come nearer to all rows than the labelled images."""
    clusters: Rows
    """For each row, the place of the pick that stands for it; −1 if a labelled image does, or none."""
    distances: npt.NDArray[np.float32]
    """For each row, the distance to the nearest pick or labelled image."""

    def shown(self) -> Rows:
        """The images on the map: the images that were to be covered, and the labelled images."""
        return np.union1d(self.counted, self.labelled)


def explain(attempt: Attempt) -> Outcome:
    """Explain a selection; or, if it is explained already, draw its curve again with costs."""
    claim = attempt.claim
    if "minutes_per_image" in claim.spec:
        return _curve_with_costs(attempt)
    document, question, snapshot = _selection(attempt)
    candidates = find_candidates(attempt, question, snapshot)
    cover = _cover(document, candidates)
    found = explanation.explain(
        candidates.points, cover.picks, cover.labelled, cover.counted, delta=candidates.delta
    )
    plane = pool_map(candidates.points)
    members = _members(candidates, cover)
    attempt.lease.check()
    title = _title(document, len(cover.counted))
    contents = {
        "map": _map(candidates, cover, plane),
        "map.png": [draw_map(plane, cover.clusters, cover.picks, cover.labelled, title, shown=cover.shown())],
        "curve.png": [draw_curve(found, title)],
        "members": chain.from_iterable(map(explanations.packed, members)),
    }
    row = tables.Explanation(
        selection_id=uuid.UUID(document["id"]),
        job_id=claim.job_id,
        document={
            "selection_id": document["id"],
            "pool_id": str(claim.pool_id),
            **_numbers(found, cover, candidates),
            "picks": _picks(document["picks"], members, candidates),
            "words": _words(attempt, question, snapshot, candidates, cover),
        },
        files={name: asdict(blobs.put(attempt.tools.blobs, chunks)) for name, chunks in contents.items()},
    )
    return Outcome({"selection_id": document["id"]}, lambda session: session.add(row))


def _numbers(found: Explanation, cover: Cover, candidates: Candidates) -> dict[str, Any]:
    """What the document says of the selection as a whole."""
    return {
        "budget": len(cover.picks),
        "images": len(cover.counted),
        "labelled": len(cover.labelled),
        "left_out": {"near_test": len(candidates.near_test), "duplicates": len(candidates.duplicates)},
        "coverage": asdict(found.coverage) | {"delta": found.delta},
        "random": asdict(found.random),
        "curve": [asdict(point) for point in found.curve],
        "knee": None if found.knee is None else {"budget": found.knee, "method": "kneedle"},
    }


def _title(selection: Mapping[str, Any], images: int) -> str:
    return f"{selection['strategy']}: {len(selection['picks'])} of {images} images"


def _curve_with_costs(attempt: Attempt) -> Outcome:
    selection_id = uuid.UUID(attempt.claim.spec["selection_id"])
    with attempt.tools.database.read() as session:
        selection = selections.get(session, selection_id)
        made = explanations.of_selection(session, selection_id)
        assert selection
        assert made
    told = made.document
    knee = told["knee"]
    found = Explanation(
        Coverage(*(told["coverage"][name] for name in ("mean", "maximum", "within"))),
        told["coverage"]["delta"],
        RandomDraws(**told["random"]),
        [CurvePoint(*(point[field.name] for field in fields(CurvePoint))) for point in told["curve"]],
        knee and knee["budget"],
    )
    title = _title(selection.document, told["images"])
    picture = draw_curve(found, title, attempt.claim.spec["minutes_per_image"])
    return Outcome(
        {"selection_id": str(selection_id), "curve": asdict(blobs.put(attempt.tools.blobs, [picture]))}
    )


def _selection(attempt: Attempt) -> tuple[dict[str, Any], Question, PoolSnapshot]:
    """The selection's document, its question, and the part of the pool that it was made from."""
    with attempt.tools.database.read() as session:
        selection = selections.get(session, uuid.UUID(attempt.claim.spec["selection_id"]))
        assert selection
        question = Question(**session.get_one(Job, selection.job_id).spec["question"])
        receipt = selection.document["receipt"]
        picks = [pick["image_id"] for pick in selection.document["picks"]]
        snapshot = take_snapshot(
            session,
            attempt.claim.pool_id,
            question,
            up_to=receipt["last_image_id"],
            labelled=dict.fromkeys(map(uuid.UUID, receipt["labelled"]), 0),
            without=not_in_use(receipt),
        )
    _require_picks(picks, snapshot)
    # Picks count whatever they are named by now, and however near to a photo that became a test photo.
    return selection.document, replace(question, include=picks), snapshot


def _require_picks(picks: Sequence[str], snapshot: PoolSnapshot) -> None:
    """Raise Permanent if the pool does not have all of the picks any more."""
    gone = set(picks) - {str(image.id) for image in snapshot.images}
    if gone:
        raise Permanent(
            "picks-missing",
            f"Picks that were moved to the other split or deleted since: {len(gone)}. This selection cannot "
            "be explained any more: make a new one.",
        )


def _cover(document: dict[str, Any], candidates: Candidates) -> Cover:
    row_of = {image.id: row for row, image in enumerate(candidates.images)}
    picks = np.array([row_of[uuid.UUID(pick["image_id"])] for pick in document["picks"]], np.intp)
    counted = np.setdiff1d(np.arange(len(candidates.images)), candidates.left_out)
    nearer = approach(candidates.points, picks, candidates.labelled)
    clusters, distances = nearer.nearest()
    clusters[candidates.left_out] = -1
    return Cover(picks, candidates.labelled, counted, nearer, clusters, distances)


def _members(candidates: Candidates, cover: Cover) -> list[list[Member]]:
    """The images that each pick stands for: the pick itself, then the others, nearest first."""
    clusters = cover.clusters
    is_other = np.ones(len(clusters), bool)
    is_other[cover.picks] = False
    order = np.lexsort((cover.distances, is_other, clusters))
    ends = np.searchsorted(clusters[order], np.arange(len(cover.picks) + 1))
    return [
        [Member(candidates.images[row].id, float(cover.distances[row])) for row in order[start:end]]
        for start, end in pairwise(ends)
    ]


def _picks(
    picks: Sequence[dict[str, Any]], members: Sequence[Sequence[Member]], candidates: Candidates
) -> list[dict[str, Any]]:
    names = {image.id: image.name for image in candidates.images}
    listed = min(NEAREST, NEAREST_OF_ALL // len(picks))
    return [
        {
            **{name: pick[name] for name in ("rank", "image_id", "name")},
            "count": 1 + len(others),
            "mean_distance": float(np.mean([other.distance for other in others])) if others else 0.0,
            "nearest": [
                {"image_id": str(other.image_id), "name": names[other.image_id], "distance": other.distance}
                for other in others[:listed]
            ],
        }
        for pick, (_, *others) in zip(picks, members, strict=True)
    ]


def _words(
    attempt: Attempt, question: Question, snapshot: PoolSnapshot, candidates: Candidates, cover: Cover
) -> dict[str, Any] | None:
    """What each pick of `words` brings; None for other strategies."""
    patches = candidates_patches(attempt, question, snapshot.pool, candidates)
    if patches is None:
        return None
    found = explanation.brought(patches, cover.shown(), cover.picks, cover.labelled, seed=question.seed)
    missing = np.array([1 - pick.shown for pick in found])
    return {
        "knee": explanation.knee(range(1, len(found) + 1), missing),
        "picks": [{"rank": rank, **asdict(pick)} for rank, pick in enumerate(found, start=1)],
    }


def _map(candidates: Candidates, cover: Cover, plane: PoolMap) -> Iterator[bytes]:
    """The map as JSON, in chunks: the pool may have millions of images."""
    head = {"method": plane.method, "explained_variance": plane.explained}
    yield json.dumps(head)[:-1].encode() + b', "points": ['
    picked, labelled = set(cover.picks.tolist()), set(cover.labelled.tolist())
    for place, row in enumerate(cover.shown().tolist()):
        cluster = int(cover.clusters[row]) + 1
        point = {
            "image_id": str(candidates.images[row].id),
            "name": candidates.images[row].name,
            "x": float(plane.points[row, 0]),
            "y": float(plane.points[row, 1]),
            "cluster": cluster or None,
            "distance": float(cover.distances[row]),
            "nearer": [(place + 1, float(f"{apart:.6g}")) for place, apart in cover.approach.to(row)],
            "pick": row in picked,
            "labelled": row in labelled,
        }
        yield (",\n" if place else "\n").encode() + json.dumps(point).encode()
    yield b"]}"
