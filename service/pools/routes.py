"""Addresses of pools."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy.exc import IntegrityError

from service import deletion
from service.access.credentials import PrincipalDep
from service.access.encoders import require_encoder
from service.access.roles import ANYONE, CURATOR, VIEWER, roles_of, whose
from service.deletion import Deletion, Now
from service.http.bodies import Route
from service.http.names import PoolName
from service.http.openapi import errors
from service.http.pages import Contains, CountedPage, Limit, OrderedCursor, Total
from service.http.problems import (
    ClassInUse,
    FileTooLarge,
    InvalidClassTable,
    InvalidName,
    NotFound,
    PoolNameTaken,
)
from service.lookups import found_pool
from service.pools import removing
from service.pools.class_table import ClassTable, ClassTableChanges, known_table
from service.pools.presets import PRESETS
from service.pools.schemas import NewPool, Pool, PoolChanges
from service.runtime import Service, ServiceDep
from store import events, jobs, memberships, pools
from store.pools import PoolCounts, Sort, Wanted
from store.states import Role

router = APIRouter(tags=["pools"], route_class=Route)

CREATOR: Role = "curator"
"""The role of whoever creates a pool."""


@router.post(
    "/pools",
    summary="Create a pool",
    dependencies=[ANYONE],
    status_code=201,
    responses=errors(InvalidName, InvalidClassTable, PoolNameTaken, FileTooLarge),
)
def create_pool(service: ServiceDep, principal: PrincipalDep, new: NewPool, response: Response) -> Pool:
    """You are its curator. Later, only the name and the class table can be changed. Encoders `timm:NAME` and
    `onnx:FILE.onnx` are for administrators."""
    encoder = new.encoder or service.settings.encoder
    require_encoder(principal, encoder, service.settings.encoder)
    table = new.class_table.model_dump(mode="json") if isinstance(new.class_table, ClassTable) else None
    try:
        with service.database.write() as session:
            pool = pools.create(
                session,
                name=new.name,
                class_table=table,
                encoder=encoder,
                default_strategy=new.default_strategy,
            )
            memberships.put(session, pool.id, principal.id, CREATOR)
    except IntegrityError:
        raise _name_taken(service, new.name) from None
    response.headers["Location"] = f"/pools/{pool.id}"
    return Pool.of(pool, PoolCounts())


@router.get("/pools", summary="List pools", dependencies=[ANYONE], responses=errors(InvalidName))
def list_pools(
    service: ServiceDep,
    principal: PrincipalDep,
    name: Annotated[PoolName | None, Query(description="Only the pool with exactly this name.")] = None,
    contains: Contains = None,
    deleted: Annotated[
        bool, Query(description="1: only pools that were deleted and can be taken back.")
    ] = False,
    sort: Annotated[Sort, Query(description="With a minus, the largest first.")] = "added",
    total: Total = False,
    cursor: OrderedCursor = None,
    limit: Limit = 100,
) -> CountedPage[Pool]:
    """The pools that you are a member of, oldest first unless `sort` says otherwise."""
    wanted = Wanted(name=name, contains=contains, deleted=deleted, seen_by=whose(principal), sort=sort)
    with service.database.read() as session:
        page, following = pools.page(session, wanted, cursor=cursor, limit=limit)
        ids = [pool.id for pool in page]
        counts, roles = service.counts.of(session, ids), roles_of(session, principal, ids)
        count = pools.total(session, wanted) if total else None
    items = [Pool.of(pool, counts.get(pool.id, PoolCounts()), roles[pool.id]) for pool in page]
    return CountedPage(items=items, next=following, total=count)


@router.get(
    "/pools/{pool_id}", summary="Get a pool and its counts", dependencies=[VIEWER], responses=errors(NotFound)
)
def get_pool(service: ServiceDep, principal: PrincipalDep, pool_id: UUID) -> Pool:
    with service.database.read() as session:
        pool = found_pool(session, pool_id)
        counts, roles = service.counts.of(session, [pool_id]), roles_of(session, principal, [pool_id])
    return Pool.of(pool, counts.get(pool_id, PoolCounts()), roles[pool_id])


@router.patch(
    "/pools/{pool_id}",
    summary="Rename a pool",
    dependencies=[CURATOR],
    responses=errors(NotFound, InvalidName, PoolNameTaken, FileTooLarge),
)
def change_pool(service: ServiceDep, pool_id: UUID, changes: PoolChanges) -> Pool:
    try:
        with service.database.write() as session:
            pools.lock(session, pool_id)
            pool = found_pool(session, pool_id)
            if (before := pool.name) != changes.name:
                pools.rename(session, pool, changes.name)
                events.add(session, pool_id, "renamed", "pool", pool_id, before=before, name=pool.name)
            counts = service.counts.of(session, [pool_id])
    except IntegrityError:
        raise _name_taken(service, changes.name) from None
    return Pool.of(pool, counts.get(pool_id, PoolCounts()))


@router.delete(
    "/pools/{pool_id}", summary="Delete a pool", dependencies=[CURATOR], responses=errors(NotFound)
)
def delete_pool(service: ServiceDep, pool_id: UUID, now: Now = False) -> Deletion:
    """Everything in it disappears. For a time it can be taken back; then all of it is removed for good. With
    `now`, its jobs are cancelled."""
    if now:
        with service.database.write() as session:
            jobs.cancel_all(session, pool_id)
    deleted = deletion.delete(service, "pool", pool_id, now)
    service.counts.forget(pool_id)
    service.state_cache.forget(pool_id)
    return deleted


@router.post(
    "/pools/{pool_id}/undelete",
    summary="Take the deletion of a pool back",
    dependencies=[CURATOR],
    responses=errors(NotFound),
)
def undelete_pool(service: ServiceDep, principal: PrincipalDep, pool_id: UUID) -> Pool:
    """410: it is too late."""
    deletion.undelete(service, "pool", pool_id)
    return get_pool(service, principal, pool_id)


@router.patch(
    "/pools/{pool_id}/class_table",
    summary="Append, rename, recolour or take out classes",
    dependencies=[CURATOR],
    responses=errors(NotFound, InvalidClassTable, ClassInUse, FileTooLarge),
)
def change_class_table(service: ServiceDep, pool_id: UUID, changes: ClassTableChanges) -> Pool:
    """Classes keep their positions, so that label maps keep their meaning. Models that were trained before
    keep the classes and the colours that they learned. The last classes can be taken out while nothing uses
    them: no label map in any revision, no model, no training or import that has not ended. The event has the
    classes as they were before."""
    with service.database.write() as session:
        pools.lock(session, pool_id)
        pool = found_pool(session, pool_id)
        if pool.class_table is None:
            raise InvalidClassTable("The label maps of this pool are RGB images without classes.")
        before = pool.class_table
        after = changes.applied_to(before).model_dump(mode="json")
        if changes.remove:
            removing.release(service, session, pool, changes.first_removed(before))
        pool.class_table = after
        session.flush()
        details = changes.model_dump(exclude_none=True) | {"before": changes.named_in(before)}
        events.add(session, pool_id, "changed", "pool", pool_id, **details)
        counts = service.counts.of(session, [pool_id])
    return Pool.of(pool, counts.get(pool_id, PoolCounts()))


@router.get("/class_tables", summary="List the known class tables", dependencies=[ANYONE])
def list_class_tables() -> dict[str, ClassTable]:
    """The classes of public data sets, by the names that a new pool may give in place of a table."""
    return {name: known_table(name) for name in PRESETS}


def _name_taken(service: Service, name: str) -> PoolNameTaken:
    with service.database.read() as session:
        pool = pools.named(session, name)
    if pool and pool.gone_at:
        return PoolNameTaken(deletion.holds_name(pool))
    return PoolNameTaken(f"There is already a pool named {name}: choose another name.")
