"""Turn a question into a job, once, and refuse a question that cannot be answered."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from service.http.problems import (
    BudgetExceedsPool,
    InvalidSelection,
    NoAnnotations,
    PoolEmpty,
)
from service.jobs.enqueue import ask, pool_not_embedded
from service.lookups import found_model, found_pool
from service.runtime import Service
from service.selections.schemas import Options
from store import selections
from store.question import AUTO, OFF, Question
from store.selections import State
from store.states import TEST
from store.tables import Job, Pool

MOST_NAMED = 100
"""The largest number of images that a refusal lists."""


def asked(service: Service, pool_id: UUID, options: Options) -> Job:
    """The job that answers the question with these options, an earlier one or a new one. Raises Problems."""
    with service.database.read() as session:
        pool = found_pool(session, pool_id)
        question = options.question(pool)
        check_options(session, pool, question)
        splits = [question.split, TEST] if question.looks_at_tests else [question.split]
        if waiting := selections.waiting(session, pool_id, splits):
            _check_budget(session, pool_id, question)
        else:
            states = service.state_cache.of(session, pool_id, splits)
    if waiting:
        raise pool_not_embedded(
            service,
            pool_id,
            f"Photos that the selection depends on are not embedded yet ({waiting}): ask again until "
            "`waiting` is 0.",
            waiting=waiting,
        )
    return ask(
        service,
        pool_id,
        "select",
        _key(pool_id, question, states),
        {"question": vars(question), "up_to": _last(states)},
        lambda session: _check(session, pool, question, states[0]),
    )


def check_options(session: Session, pool: Pool, question: Question) -> None:
    """Raise a Problem if the question is wrong, whatever images the pool has."""
    if question.budget < len(question.include):
        raise InvalidSelection(
            f"The budget is {question.budget} and `include` has {len(question.include)} images: raise the "
            "budget or include fewer."
        )
    if both := set(question.include) & set(question.exclude):
        raise InvalidSelection(f"{min(both)} is in `include` and in `exclude`: leave it out of one of them.")
    if question.split == TEST and question.test_distance not in (AUTO, OFF):
        raise InvalidSelection("`test_distance` applies only to selections of train images: leave it out.")
    option = "balance" if question.balance else "model" if question.model else None
    if question.strategy == "random" and option:
        raise InvalidSelection(
            f"`random` treats all images alike: leave out `{option}` or choose another strategy."
        )
    if pool.class_table is None and option:
        raise InvalidSelection(f"`{option}` needs classes and the pool has none: leave it out.")
    if question.model:
        found_model(session, UUID(question.model), within=pool.id)


def _key(pool_id: UUID, question: Question, states: Sequence[State]) -> str:
    """A key that differs whenever the answer could differ. `states` has the split, then the test split."""
    state, *tests = states
    depends_on = [vars(question), state.images.digest, state.annotations.annotated_digest]
    if question.balance:
        depends_on.append(state.annotations.revisions_digest)
    depends_on += [test.images.digest for test in tests]
    digest = hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()
    return f"select:{pool_id}:{digest}"


def _last(states: Sequence[State]) -> str | None:
    """The id of the newest image; images added before the job runs are not part of the question."""
    return max((str(state.images.last_id) for state in states if state.images.last_id), default=None)


def _check(session: Session, pool: Pool, question: Question, state: State) -> None:
    """Raise a Problem if an embedded pool cannot answer the question."""
    _check_budget(session, pool.id, question)
    pickable = state.pickable
    if question.name or question.include or question.exclude or question.candidates:
        pickable = _pickable(session, pool, question, state)
    if not question.fits(pickable):
        named = f" named {question.name}" if question.name else ""
        raise BudgetExceedsPool(
            f"The budget is {question.budget}; {question.split} images{named} that can be picked: {pickable} "
            "(the others are annotated, excluded, or could not be embedded). Ask for fewer."
        )
    if question.balance and not state.annotations.count:
        raise NoAnnotations(
            f"No {question.split} image is annotated, so its classes are unknown: leave out `balance` until "
            "some are annotated."
        )


def _check_budget(session: Session, pool_id: UUID, question: Question) -> None:
    count = selections.image_count(session, pool_id, question.split)
    if count == 0:
        raise PoolEmpty(f"The pool has no {question.split} image to pick from: upload photos first.")
    if not question.fits(count):
        raise BudgetExceedsPool(
            f"The budget is {question.budget}; {question.split} images in the pool: {count}. Ask for fewer."
        )


def _pickable(session: Session, pool: Pool, question: Question, state: State) -> int:
    """How many images can be picked. Raises a Problem if `include` or `exclude` names a wrong image."""
    include, exclude = (set(map(UUID, ids)) for ids in (question.include, question.exclude))
    among = [*include, *exclude]
    named = list(selections.embedded(session, pool.id, question.split, among=among))
    annotated = selections.annotated(session, pool.id, question.split, among=among).keys()
    if unknown := set(among) - {image.id for image in named}:
        raise InvalidSelection(
            f"{min(unknown)} is not an embedded {question.split} image of the pool: leave it out of "
            "`include` and `exclude`.",
            images=_first(unknown),
        )
    if done := include & annotated:
        raise InvalidSelection(
            f"{min(done)} is in `include` and is already annotated: leave it out.",
            images=_first(done),
        )
    if strangers := include - {image.id for image in question.considered(named)}:
        raise InvalidSelection(
            f"{min(strangers)} is in `include` and {_mismatch(question)}: leave it out.",
            images=_first(strangers),
        )
    if question.name is None and not question.candidates:
        return state.pickable - len(exclude - annotated)
    taken = exclude.union(selections.annotated(session, pool.id, question.split))
    embedded = selections.embedded(session, pool.id, question.split)
    free = [image.id not in taken for image in question.considered(embedded)]
    if not free:
        which = f"has a name that matches {question.name}" if question.name else "is among the `candidates`"
        raise InvalidSelection(f"No embedded {question.split} image {which}: ask for others.")
    return sum(free)


def _mismatch(question: Question) -> str:
    """Why an image is not considered."""
    reasons = ["it is not among the `candidates`"] if question.candidates else []
    if question.name:
        reasons.append(f"its name does not match {question.name}")
    return " or ".join(reasons)


def _first(image_ids: Iterable[UUID]) -> list[str]:
    return [str(image_id) for image_id in sorted(image_ids)[:MOST_NAMED]]
