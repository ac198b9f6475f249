"""How a question becomes a job, once, and what is wrong with a question that cannot be answered."""

import hashlib
import json
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from service.edge import Service, found_model, found_pool
from service.embedding import not_embedded_yet
from service.jobs.answers import ask
from service.problems import (
    BudgetExceedsPool,
    InvalidSelection,
    NoAnnotations,
    PoolEmpty,
)
from store import selections
from store.selections import TEST, Question, State
from store.tables import Job, Pool


def asked(service: Service, pool_id: UUID, question: Question) -> Job:
    """The job that answers this question: the one asked before, or a new one. Raises Problems."""
    with service.database.read() as session:
        pool = found_pool(session, pool_id)
        splits = [question.split, TEST] if question.looks_at_tests else [question.split]
        if waiting := selections.waiting(session, pool_id, splits):
            _check_budget(session, pool_id, question)
        else:
            states = service.states.of(session, pool_id, splits)
    if waiting:
        raise not_embedded_yet(
            service,
            pool_id,
            f"{waiting} photos that the selection depends on are not embedded yet: ask again until `waiting` "
            "has come down to 0.",
            waiting=waiting,
        )
    return ask(
        service,
        pool_id,
        "select",
        _key(pool_id, question, states),
        vars(question),
        lambda session: _check(session, pool, question, states[0]),
    )


def _key(pool_id: UUID, question: Question, states: Sequence[State]) -> str:
    """Another text for whatever could have another answer. `states`: of the split, then of the tests."""
    state, *tests = states
    depends_on = [vars(question), state.images_digest, state.annotated_digest]
    if question.balance:
        depends_on.append(state.revisions_digest)
    depends_on += [test.images_digest for test in tests]
    digest = hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()
    return f"select:{pool_id}:{digest}"


def _check(session: Session, pool: Pool, question: Question, state: State) -> None:
    """Raise what is wrong with a new question about a pool that is embedded."""
    _check_budget(session, pool.id, question)
    _check_options(session, pool, question)
    pickable = state.pickable
    if question.name or question.include or question.exclude:
        pickable = _checked_images(session, pool, question)
    if question.budget > pickable:
        named = f" named {question.name}" if question.name else ""
        raise BudgetExceedsPool(
            f"The budget is {question.budget} and {pickable} {question.split} images{named} can be picked; "
            "the others are annotated, excluded, or could not be embedded. Ask for fewer."
        )
    if question.balance and not state.annotated:
        raise NoAnnotations(
            f"No {question.split} image is annotated, so nothing is known of its classes: ask without "
            "`balance` until some are."
        )


def _check_budget(session: Session, pool_id: UUID, question: Question) -> None:
    count = selections.image_count(session, pool_id, question.split)
    if count == 0:
        raise PoolEmpty(f"The pool has no {question.split} image to pick from: upload photos first.")
    if question.budget > count:
        raise BudgetExceedsPool(
            f"The budget is {question.budget} and the pool has {count} {question.split} images: ask for "
            "fewer."
        )
    if question.budget < len(question.include):
        raise InvalidSelection(
            f"The budget is {question.budget} and {len(question.include)} images are to be included: raise "
            "the budget or include fewer."
        )


def _check_options(session: Session, pool: Pool, question: Question) -> None:
    if question.split == TEST and question.test_distance not in ("auto", "off"):
        raise InvalidSelection("`test_distance` keeps train images away from the test split: leave it out.")
    if pool.class_table is None and (question.balance or question.model):
        option = "balance" if question.balance else "model"
        raise InvalidSelection(f"`{option}` looks at classes and the pool has none: leave it out.")
    if question.model and found_model(session, UUID(question.model)).pool_id != pool.id:
        raise InvalidSelection(f"The model {question.model} belongs to another pool: name one of this pool.")


def _checked_images(session: Session, pool: Pool, question: Question) -> int:
    """How many images can be picked. Raise what is wrong with those to include or exclude."""
    embedded = selections.embedded(session, pool.id, question.split)
    annotated = {str(image_id) for image_id in selections.annotated(session, pool.id, question.split)}
    matching = {str(image.id) for image in question.matching(embedded)}
    include, exclude = set(question.include), set(question.exclude)
    if unknown := (include | exclude) - {str(image.id) for image in embedded}:
        raise InvalidSelection(
            f"{min(unknown)} is no embedded {question.split} image of the pool: leave it out of `include` "
            "and `exclude`.",
            images=sorted(unknown)[:100],
        )
    if both := include & exclude:
        raise InvalidSelection(f"{min(both)} is to be included and excluded: decide for one.")
    if done := include & annotated:
        raise InvalidSelection(
            f"{min(done)} is to be included and is annotated already: leave it out of `include`.",
            images=sorted(done)[:100],
        )
    if strangers := include - matching:
        raise InvalidSelection(
            f"{min(strangers)} is to be included and its name does not match {question.name}."
        )
    return len(matching - annotated - exclude)
