"""Replay jobs: make a selection again from its receipt, and report the differences."""

import uuid
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from store import selections
from store.question import Question
from worker.attempt import Attempt
from worker.handlers.select import make_selection
from worker.outcomes import Outcome, Permanent
from worker.selection.snapshot import PoolSnapshot, take_snapshot

UNEXPLAINED = "Nothing in the receipt has changed, so it does not explain why the picks differ."


def replay(attempt: Attempt) -> Outcome:
    """The result is `{"same", "changed", "selection"}`. The selection is not kept, so it has no id."""
    claim = attempt.claim
    question, receipt = Question(**claim.spec["question"]), claim.spec["receipt"]
    with attempt.tools.database.read() as session:
        then = take_snapshot(
            session,
            claim.pool_id,
            question,
            up_to=receipt["last_image_id"],
            labelled=_revisions_then(receipt),
            without=not_in_use(receipt),
        )
        now = take_snapshot(session, claim.pool_id, question)
    changed, made = list(_differences(question, receipt, then)), None
    try:
        made = make_selection(attempt, question, then)
    except Permanent as problem:
        changed.append(problem.detail)
    again = made["receipt"] if made else receipt
    if again["algorithm_version"] != receipt["algorithm_version"]:
        changed.append(
            f"The algorithm was {receipt['algorithm_version']} and is {again['algorithm_version']} now."
        )
    same = made is not None and again["picks_digest"] == receipt["picks_digest"]
    if made and not same:
        changed += _computed(receipt, again) or ([] if changed else [UNEXPLAINED])
        changed += _first_other(receipt, made)
    return Outcome({"same": same, "changed": [*changed, *_since(then, now)], "selection": made})


def _revisions_then(receipt: Mapping[str, Any]) -> dict[uuid.UUID, int]:
    """The annotated images by id, with the revisions that counted, or 0 where revisions did not matter."""
    ids = [uuid.UUID(image_id) for image_id in receipt["labelled"]]
    return dict(zip(ids, receipt["revisions"] or [0] * len(ids), strict=True))


def not_in_use(receipt: Mapping[str, Any]) -> set[uuid.UUID]:
    """The images that were excluded when the selection was made; older receipts do not know any."""
    return set(map(uuid.UUID, receipt.get("not_in_use") or []))


def _differences(question: Question, receipt: Mapping[str, Any], then: PoolSnapshot) -> Iterator[str]:
    """Sentences about whatever the picks depend on that differs from the receipt."""
    encoder = _encoder(then.pool.encoder, then.pool.weights_digest)
    if encoder != (before := _encoder(receipt["encoder"], receipt["weights_digest"])):
        yield f"The photos were embedded with {before}, and are embedded with {encoder} now."
    if selections.images_digest(then.images) != receipt["images_digest"]:
        yield (
            f"The {question.split} photos differ from those that the selection was made from: there were "
            f"{receipt['image_count']}, and the replay finds {len(then.images)}."
        )
    if question.looks_at_tests and selections.images_digest(then.tests) != receipt["tests_digest"]:
        yield "The test photos, to which no pick may be too near, have changed."
    if selections.annotated_digest(then.labelled) != receipt["annotated_digest"]:
        count = len(receipt["labelled"])
        missing = count - len(then.labelled)
        yield f"Annotated photos that are missing in the pool now: {missing} of {count}."
    there = {str(image.id) for image in then.images}
    for what, ids in (("Included", question.include), ("Excluded", question.exclude)):
        if missing := sum(image_id not in there for image_id in ids):
            yield f"{what} photos that are missing in the pool now: {missing} of {len(ids)}."


def _computed(receipt: Mapping[str, Any], again: Mapping[str, Any]) -> list[str]:
    """A sentence about changed libraries: their rounding can turn a close decision between two images."""
    before, now = receipt["computed_with"], again["computed_with"]
    if before == now:
        return []
    names = [name for name in now if before.get(name) != now[name]]
    were, are = (", ".join(f"{name} {versions.get(name)}" for name in names) for versions in (before, now))
    return [f"The picks were computed with {were}, and are computed with {are} now."]


def _first_other(receipt: Mapping[str, Any], made: Mapping[str, Any]) -> Iterator[str]:
    """A sentence about the first pick that differs, if the receipt came with its picks."""
    before, now = ([pick["image_id"] for pick in picks] for picks in (receipt["picks"] or [], made["picks"]))
    ranks = [rank for rank, pair in enumerate(zip_longest(before, now), start=1) if len(set(pair)) > 1]
    if before and ranks:
        yield f"The first pick that differs has rank {ranks[0]}."


def _since(then: PoolSnapshot, now: PoolSnapshot) -> Iterator[str]:
    """Sentences about what has changed since the selection without changing the picks."""
    before, after = ({image.id for image in (*pool.images, *pool.tests)} for pool in (then, now))
    if more := len(after - before - set(then.without)):
        yield f"Photos added since, which the replay leaves out: {more}."
    if left := len(before - after):
        yield f"Photos excluded since, which the replay does not leave out: {left}."
    if again := len(after.intersection(then.without)):
        yield f"Photos that are in use again since, which the replay leaves out: {again}."
    if more := len(now.labelled.keys() - then.labelled.keys()):
        yield f"Photos annotated since, which the replay treats as not annotated: {more}."


def _encoder(name: str, weights_digest: str | None) -> str:
    return f"{name} (weights {weights_digest})"
