"""Select jobs: which images to label, from the embeddings of a pool."""

from dataclasses import asdict
from typing import Any

from models import selection
from models.machine import computed_with
from store import selections
from store.question import Question
from store.tables import Selection, new_id
from worker.attempt import Attempt, Outcome
from worker.outcomes import Permanent
from worker.selection.candidates import Basis, Ground, basis, ground
from worker.selection.weights import weights

MOST_LEFT_OUT = 1000
"""Images that the document lists as left out for one reason: it says how many there are in all."""


def select(attempt: Attempt) -> Outcome:
    claim = attempt.claim
    question, up_to = Question(**claim.spec["question"]), claim.spec["up_to"]
    with attempt.tools.database.read() as session:
        made_from = basis(session, claim.pool_id, question, up_to=up_to)
    selection_id = new_id()
    document = {"id": str(selection_id), **answer(attempt, question, made_from)}
    row = Selection(id=selection_id, pool_id=claim.pool_id, job_id=claim.job_id, document=document)
    return Outcome({"selection_id": document["id"]}, lambda session: session.add(row))


def answer(attempt: Attempt, question: Question, basis: Basis) -> dict[str, Any]:
    """The Selection of the HTTP contract, but for its id. Raises Permanent when the question cannot be
    answered.
    """
    laid = ground(attempt, question, basis)
    if question.budget > laid.pickable:
        raise Permanent("budget-exceeds-pool", _too_few(question, laid))
    try:
        chosen = selection.select(
            question.strategy,
            laid.points,
            question.budget,
            seed=question.seed,
            labelled=laid.labelled.tolist(),
            include=laid.include.tolist(),
            exclude=laid.left_out.tolist(),
            weights=weights(attempt, question, basis, laid),
        )
    except ValueError as error:
        raise Permanent("invalid-selection", str(error)) from error
    picks = [_pick(pick, laid) for pick in chosen.picks]
    centres = [*laid.labelled.tolist(), *(pick.index for pick in chosen.picks)]
    coverage = selection.coverage(laid.points, centres, delta=laid.delta, exclude=laid.left_out.tolist())
    return {
        "pool_id": str(basis.pool.id),
        **{name: getattr(question, name) for name in ("budget", "strategy", "seed")},
        "picks": picks,
        "coverage": {**asdict(coverage), "delta": laid.delta},
        "left_out": laid.described(MOST_LEFT_OUT),
        "receipt": _receipt(question, basis)
        | {
            "algorithm_version": chosen.algorithm_version,
            "computed_with": computed_with(),
            "picks_digest": selections.picks_digest(picks),
        },
    }


def _receipt(question: Question, basis: Basis) -> dict[str, Any]:
    """Everything the picks follow from: the question, and what of the pool they were made from."""
    labelled = sorted(basis.labelled)
    ids = [image.id for image in (*basis.images, *basis.tests)]
    return {
        "pool_id": str(basis.pool.id),
        **asdict(question),
        "image_count": len(basis.images),
        "images_digest": selections.images_digest(basis.images),
        "tests_digest": selections.images_digest(basis.tests) if question.looks_at_tests else None,
        "last_image_id": str(max(ids)),
        "encoder": basis.pool.encoder,
        "weights_digest": basis.pool.weights_digest,
        "annotated_digest": selections.annotated_digest(basis.labelled),
        "labelled": [str(image_id) for image_id in labelled],
        "revisions": [basis.labelled[image_id] for image_id in labelled] if question.balance else None,
    }


def _pick(pick: selection.Pick, laid: Ground) -> dict[str, Any]:
    image = laid.images[pick.index]
    values = asdict(pick)
    del values["index"]
    return {**values, "image_id": str(image.id), "name": image.name}


def _too_few(question: Question, laid: Ground) -> str:
    reasons = [
        f"{why}: {count}"
        for count, why in (
            (len(laid.labelled), "annotated"),
            (len(laid.near_test), "too near to a test image (`test_distance`)"),
            (len(laid.duplicates), "near-duplicates of others (`duplicates_within`)"),
            (len(question.exclude), "excluded"),
        )
        if count
    ]
    why = f" ({'; '.join(reasons)})" if reasons else ""
    return (
        f"The budget is {question.budget}, but only {laid.pickable} of the embedded {question.split} images "
        f"can be picked{why}. Ask for fewer, or leave fewer out."
    )
