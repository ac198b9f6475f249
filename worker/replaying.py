"""Replay jobs: a selection is made again from its receipt, and what is otherwise than it was is said."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from store import selections
from store.selections import Question
from store.tables import new_id
from worker.attempt import Attempt, Outcome
from worker.endings import Permanent
from worker.ground import Basis, basis
from worker.selecting import answer


def replay(attempt: Attempt) -> Outcome:
    """The result is `{"same", "changed", "selection"}`; the pool's newest selection stays what it is."""
    claim = attempt.claim
    question, receipt = Question.of(claim.spec["question"]), claim.spec["receipt"]
    with attempt.tools.database.read() as session:
        then = basis(
            session,
            claim.pool_id,
            question,
            up_to=receipt["last_image_id"],
            labelled=_labelled(receipt),
        )
        now = basis(session, claim.pool_id, question)
    changed = [*_differences(question, receipt, then), *_since(then, now)]
    made = None
    try:
        made = answer(attempt, question, then, new_id())
    except Permanent as problem:
        changed.append(problem.detail)
    again = made["receipt"] if made else receipt
    if again["algorithm_version"] != receipt["algorithm_version"]:
        changed.append(
            f"The algorithm was {receipt['algorithm_version']} and is {again['algorithm_version']} now."
        )
    same = made is not None and again["picks_digest"] == receipt["picks_digest"]
    return Outcome({"same": same, "changed": changed, "selection": made})


def _labelled(receipt: Mapping[str, Any]) -> dict[uuid.UUID, int] | None:
    """The revisions that counted, by the images' ids; None: the receipt is older than lists of them."""
    if receipt["labelled"] is None:
        return None
    ids = [uuid.UUID(image_id) for image_id in receipt["labelled"]]
    return dict(zip(ids, receipt["revisions"] or [0] * len(ids), strict=True))


def _differences(question: Question, receipt: Mapping[str, Any], then: Basis) -> Iterator[str]:
    """What the picks depend on and is not as the receipt says."""
    encoder = _encoder(then.pool.encoder, then.pool.weights_digest)
    if encoder != (before := _encoder(receipt["encoder"], receipt["weights_digest"])):
        yield f"The photos were embedded with {before}, and are with {encoder} now."
    if selections.images_digest(then.images) != receipt["images_digest"]:
        yield (
            f"The selection was made from {receipt['image_count']} {question.split} photos; of these and no "
            f"others the pool has not all: the replay finds {len(then.images)}."
        )
    if question.looks_at_tests and selections.images_digest(then.tests) != receipt["tests_digest"]:
        yield "The test photos, to which no pick may be too near, are not those of that time."
    if selections.annotated_digest(then.labelled) != receipt["annotated_digest"]:
        if receipt["labelled"] is None:
            yield "Other photos are annotated than then, and this old receipt does not list those that were."
        else:
            count = len(receipt["labelled"])
            missing = count - len(then.labelled)
            yield f"{missing} of {count} photos that were annotated are missing in the pool."
    there = {str(image.id) for image in then.images}
    for what, ids in (("included", question.include), ("excluded", question.exclude)):
        if missing := sum(image_id not in there for image_id in ids):
            yield f"{missing} of {len(ids)} photos that were {what} are missing in the pool."


def _since(then: Basis, now: Basis) -> Iterator[str]:
    """What has come since and changes nothing."""
    if more := len(now.images) + len(now.tests) - len(then.images) - len(then.tests):
        yield f"{more} photos were added since: the replay leaves them out."
    if more := len(now.labelled.keys() - then.labelled.keys()):
        yield f"{more} photos were annotated since: in the replay they are not."


def _encoder(name: str, weights_digest: str | None) -> str:
    return f"{name} (weights {weights_digest})"
