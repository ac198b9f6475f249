"""Who has which role in a pool, and in which pool something is."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from store.states import Role
from store.tables import (
    Assignment,
    Evaluation,
    Event,
    Image,
    Job,
    LabelMap,
    Membership,
    Model,
    Pool,
    Principal,
    Selection,
)

IN_A_POOL: Mapping[str, type[Any]] = {
    "image": Image,
    "label_map": LabelMap,
    "selection": Selection,
    "assignment": Assignment,
    "job": Job,
    "model": Model,
}
"""Tables whose rows name their pool."""


@dataclass(frozen=True)
class Member:
    """A principal with a role in a pool; `id` is the id of the principal."""

    id: uuid.UUID
    name: str
    role: Role


def role_over(session: Session, principal_id: uuid.UUID, kind: str, id: uuid.UUID) -> Role | None:
    """The principal's role in the pool of what has this id, also if it was deleted; None if the principal is
    no member of that pool, or nothing of this kind has the id.
    """
    removed = select(Event.pool_id).where(Event.subject_id == id, Event.action == "removed").limit(1)
    pool_id = func.coalesce(_pool_id(kind, id).scalar_subquery(), removed.scalar_subquery())
    query = select(Membership.role).where(
        Membership.principal_id == principal_id, Membership.pool_id == pool_id
    )
    return session.scalar(query)


def role_named(session: Session, pool_id: uuid.UUID, name: str) -> Role | None:
    """The role in the pool of the principal of this name; None if they are no member."""
    query = select(Membership.role).join(Principal, Principal.id == Membership.principal_id)
    return session.scalar(query.where(Membership.pool_id == pool_id, Principal.name == name))


def roles(
    session: Session, principal_id: uuid.UUID, pool_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, Role]:
    """The principal's roles in those of the pools that it is a member of."""
    query = select(Membership.pool_id, Membership.role).where(
        Membership.principal_id == principal_id, Membership.pool_id.in_(pool_ids)
    )
    return {pool_id: role for pool_id, role in session.execute(query)}


def pools_of(principal_id: uuid.UUID) -> Select[uuid.UUID]:
    """The ids of the pools that a principal is a member of."""
    return select(Membership.pool_id).where(Membership.principal_id == principal_id)


def page(session: Session, pool_id: uuid.UUID, *, after: uuid.UUID | None, limit: int) -> Sequence[Member]:
    """Members of a pool, in the order in which their accounts were made."""
    query = (
        select(Principal.id, Principal.name, Membership.role)
        .join(Membership, Membership.principal_id == Principal.id)
        .where(Membership.pool_id == pool_id)
        .order_by(Principal.id)
        .limit(limit)
    )
    if after:
        query = query.where(Principal.id > after)
    return [Member(id, name, role) for id, name, role in session.execute(query)]


def put(session: Session, pool_id: uuid.UUID, principal_id: uuid.UUID, role: Role) -> None:
    """Give the principal this role in the pool, in place of an earlier one."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    row = {"pool_id": pool_id, "principal_id": principal_id, "role": role}
    key = [Membership.pool_id, Membership.principal_id]
    session.execute(
        dialect.insert(Membership).values(row).on_conflict_do_update(index_elements=key, set_={"role": role})
    )


def remove(session: Session, pool_id: uuid.UUID, principal_id: uuid.UUID) -> None:
    """End a membership, if there is one."""
    session.execute(
        delete(Membership).where(Membership.pool_id == pool_id, Membership.principal_id == principal_id)
    )


def _pool_id(kind: str, id: uuid.UUID) -> Select[uuid.UUID]:
    if kind == "pool":
        return select(Pool.id).where(Pool.id == id)
    if kind == "evaluation":
        of_evaluation = select(Model.pool_id).join(Evaluation, Evaluation.model_id == Model.id)
        return of_evaluation.where(Evaluation.id == id)
    table = IN_A_POOL[kind]
    return select(table.pool_id).where(table.id == id)
