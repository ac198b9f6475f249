"""Addresses that hand out picks to annotators, so that no two people draw the same image."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from service.access.credentials import PrincipalDep
from service.access.roles import ANNOTATOR, VIEWER, require
from service.assignments.schemas import Assignment, Assignments, NewAssignments, Renewal
from service.http.bodies import Route
from service.http.names import UserName
from service.http.openapi import errors
from service.http.pages import Cursor, Limit, Page, cut
from service.http.problems import (
    AssignmentEnded,
    FileTooLarge,
    InvalidName,
    NoFreePick,
    NoSelection,
    NotFound,
)
from service.lookups import found, found_pool, found_selection, newest_selection
from service.runtime import ServiceDep
from store import assignments, events, memberships, selections, tables
from store.assignments import NamedAssignment
from store.principals import Principal

router = APIRouter(tags=["assignments"], route_class=Route)

OF_ANNOTATOR = Query(description="Only assignments of this annotator.")
OPEN = Query(alias="open", description="Only open assignments, or only ended ones.")


@router.post(
    "/pools/{pool_id}/assignments",
    summary="Take picks to annotate",
    dependencies=[ANNOTATOR],
    responses=errors(NotFound, NoSelection, NoFreePick, FileTooLarge),
)
def assign(service: ServiceDep, principal: PrincipalDep, pool_id: UUID, new: NewAssignments) -> Assignments:
    """The annotator is whoever asks, unless a curator names another member of the pool. The answer lists all
    images that they hold now: earlier ones, with renewed leases, and free picks by rank until there are
    `count` in all. Nobody else gets these images until their leases expire, so asking again gives the same
    images, for example after an answer was lost. An annotation ends the assignment of its image."""
    annotator = new.annotator or principal.name
    if annotator != principal.name:
        require(service, principal, "curator", "pool", pool_id)
    with service.database.read() as session:
        found_pool(session, pool_id)
        _require_annotator(session, principal, pool_id, annotator)
        selection = _selection(session, pool_id, new.selection_id)
        picks = selections.ranks(selection)
    with service.database.write() as session:
        free = assignments.hand_out(
            session,
            pool_id,
            selection_id=selection.id,
            picks=picks,
            annotator=annotator,
            count=new.count,
            lease_s=new.lease_s,
        )
        held = assignments.held_by(session, pool_id, annotator)
    if not held:
        raise NoFreePick(
            f"Every pick of the selection {selection.id} is annotated or assigned to somebody else: "
            f"select more with GET /pools/{pool_id}/select?budget=…, or wait until an image is given back."
        )
    return Assignments(items=[Assignment.of(item) for item in held], selection_id=selection.id, free=free)


@router.get(
    "/pools/{pool_id}/assignments",
    summary="List a pool's assignments",
    dependencies=[VIEWER],
    responses=errors(NotFound, InvalidName),
)
def list_assignments(
    service: ServiceDep,
    pool_id: UUID,
    annotator: Annotated[UserName | None, OF_ANNOTATOR] = None,
    is_open: Annotated[bool | None, OPEN] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Assignment]:
    """Newest first, including ended ones."""
    with service.database.read() as session:
        found_pool(session, pool_id)
        rows = assignments.page(
            session, pool_id, annotator=annotator, is_open=is_open, before=cursor, limit=limit + 1
        )
    page, following = cut(rows, limit)
    return Page(items=[Assignment.of(row) for row in page], next=following)


@router.post(
    "/assignments/{assignment_id}/renew",
    summary="Renew an assignment's lease",
    dependencies=[ANNOTATOR],
    responses=errors(NotFound, AssignmentEnded, FileTooLarge),
)
def renew_assignment(
    service: ServiceDep, principal: PrincipalDep, assignment_id: UUID, renewal: Renewal
) -> Assignment:
    """An assignment with an expired lease can be renewed too, unless somebody else has the image now. Those
    of others need the role `curator`."""
    _require_held_by(service, principal, assignment_id)
    with service.database.write() as session:
        renewed = assignments.renew(session, assignment_id, renewal.lease_s)
        assignment = _found(session, assignment_id)
    if not renewed:
        raise AssignmentEnded(
            f"The assignment is {assignment.state} and cannot be renewed: ask for images with "
            f"POST /pools/{assignment.assignment.pool_id}/assignments."
        )
    return Assignment.of(assignment)


@router.delete(
    "/assignments/{assignment_id}",
    summary="Give an image back",
    dependencies=[ANNOTATOR],
    responses=errors(NotFound),
)
def give_back(service: ServiceDep, principal: PrincipalDep, assignment_id: UUID) -> Assignment:
    """The image is free for others immediately. An assignment that has ended does not change. Those of others
    need the role `curator`."""
    _require_held_by(service, principal, assignment_id)
    with service.database.write() as session:
        ended = assignments.give_back(session, assignment_id)
        given = _found(session, assignment_id)
        if ended:
            row = given.assignment
            events.add(session, row.pool_id, "returned", "assignment", row.id, annotator=row.annotator)
        return Assignment.of(given)


def _require_annotator(session: Session, principal: Principal, pool_id: UUID, annotator: str) -> None:
    """Raise NotFound if somebody else than whoever asks is named who may not annotate in the pool."""
    if annotator == principal.name:
        return
    role = memberships.role_named(session, pool_id, annotator)
    if role is None or role == "viewer":
        raise NotFound(
            f"{annotator} does not annotate in this pool: make them a member with that role first."
        )


def _require_held_by(service: ServiceDep, principal: Principal, assignment_id: UUID) -> None:
    """Raise Forbidden if somebody else holds it, unless the principal may decide for others."""
    with service.database.read() as session:
        holder = _found(session, assignment_id).assignment.annotator
    if holder != principal.name:
        require(service, principal, "curator", "assignment", assignment_id)


def _found(session: Session, assignment_id: UUID) -> NamedAssignment:
    return found(assignments.get(session, assignment_id), "assignment", assignment_id)


def _selection(session: Session, pool_id: UUID, selection_id: UUID | None) -> tables.Selection:
    if selection_id is None:
        return newest_selection(session, pool_id)
    return found_selection(session, selection_id, within=pool_id)
