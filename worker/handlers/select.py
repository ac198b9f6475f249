"""Select jobs: choose the images to label, by the embeddings of a pool."""

from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from models import selection
from models.machine import computed_with
from store import selections, webhooks
from store.question import Question
from store.tables import Selection, new_id
from worker.attempt import Attempt
from worker.outcomes import Outcome, Permanent
from worker.selection.candidates import Candidates, find_candidates
from worker.selection.patches import candidates_patches
from worker.selection.snapshot import PoolSnapshot, take_snapshot
from worker.selection.weights import weights

MOST_LEFT_OUT = 1000
"""The most images that the document lists as left out for one reason. It gives the total count as well."""


def select(attempt: Attempt) -> Outcome:
    claim = attempt.claim
    question, up_to = Question(**claim.spec["question"]), claim.spec["up_to"]
    with attempt.tools.database.read() as session:
        snapshot = take_snapshot(session, claim.pool_id, question, up_to=up_to)
    selection_id = new_id()
    document = {"id": str(selection_id), **make_selection(attempt, question, snapshot)}
    row = Selection(id=selection_id, pool_id=claim.pool_id, job_id=claim.job_id, document=document)

    def save(session: Session) -> None:
        session.add(row)
        told = {"selection_id": document["id"], "job_id": str(claim.job_id)}
        webhooks.tell(session, claim.pool_id, "selection.made", **told)

    return Outcome({"selection_id": document["id"]}, save)


def make_selection(attempt: Attempt, question: Question, snapshot: PoolSnapshot) -> dict[str, Any]:
    """The Selection document of the API without its id. Raises Permanent if the question has no answer."""
    candidates = find_candidates(attempt, question, snapshot)
    if not question.fits(candidates.pickable):
        raise Permanent("budget-exceeds-pool", _too_few(question, candidates))
    try:
        chosen = selection.select(
            question.strategy,
            candidates.points,
            min(question.budget, candidates.pickable),
            seed=question.seed,
            labelled=candidates.labelled.tolist(),
            include=candidates.include.tolist(),
            exclude=candidates.left_out.tolist(),
            weights=weights(attempt, question, snapshot, candidates),
            patches=candidates_patches(attempt, question, snapshot.pool, candidates),
        )
    except ValueError as error:
        raise Permanent("invalid-selection", str(error)) from error
    picks = [_pick(pick, candidates) for pick in chosen.picks]
    centres = [*candidates.labelled.tolist(), *(pick.index for pick in chosen.picks)]
    coverage = selection.coverage(
        candidates.points, centres, delta=candidates.delta, exclude=candidates.left_out.tolist()
    )
    return {
        "pool_id": str(snapshot.pool.id),
        **{name: getattr(question, name) for name in ("budget", "strategy", "seed")},
        "picks": picks,
        "coverage": {**asdict(coverage), "delta": candidates.delta},
        "left_out": candidates.left_out_document(MOST_LEFT_OUT),
        "receipt": _receipt(question, snapshot)
        | {
            "algorithm_version": chosen.algorithm_version,
            "computed_with": computed_with(),
            "picks_digest": selections.picks_digest(picks),
        },
    }


def _receipt(question: Question, snapshot: PoolSnapshot) -> dict[str, Any]:
    """Everything that determines the picks: the question, and the part of the pool that it is about."""
    labelled = sorted(snapshot.labelled)
    ids = [image.id for image in (*snapshot.images, *snapshot.tests)]
    return {
        "pool_id": str(snapshot.pool.id),
        **asdict(question),
        "image_count": len(snapshot.images),
        "images_digest": selections.images_digest(snapshot.images),
        "tests_digest": selections.images_digest(snapshot.tests) if question.looks_at_tests else None,
        "last_image_id": str(max(ids)),
        "encoder": snapshot.pool.encoder,
        "weights_digest": snapshot.pool.weights_digest,
        "annotated_digest": selections.annotated_digest(snapshot.labelled),
        "labelled": [str(image_id) for image_id in labelled],
        "revisions": [snapshot.labelled[image_id] for image_id in labelled] if question.balance else None,
        "not_in_use": [str(image_id) for image_id in sorted(snapshot.without)],
    }


def _pick(pick: selection.Pick, candidates: Candidates) -> dict[str, Any]:
    image = candidates.images[pick.index]
    values = asdict(pick)
    del values["index"]
    return {**values, "image_id": str(image.id), "name": image.name}


def _too_few(question: Question, candidates: Candidates) -> str:
    reasons = [
        f"{why}: {count}"
        for count, why in (
            (len(candidates.labelled), "annotated"),
            (len(candidates.near_test), "too near to a test image (`test_distance`)"),
            (len(candidates.duplicates), "copies of others, or near-duplicates (`duplicates_within`)"),
            (len(question.exclude), "excluded"),
        )
        if count
    ]
    why = f" ({'; '.join(reasons)})" if reasons else ""
    return (
        f"The budget is {question.budget}, but only {candidates.pickable} of the embedded "
        f"{question.split} images can be picked{why}. Ask for fewer, or leave fewer out."
    )
