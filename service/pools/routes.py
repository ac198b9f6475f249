"""Addresses of pools."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy.exc import IntegrityError

from service.http.bodies import Route
from service.http.names import PoolName
from service.http.openapi import errors
from service.http.pages import Cursor, Limit, Page, cut
from service.http.problems import FileTooLarge, InvalidClassTable, InvalidName, NotFound, PoolNameTaken
from service.lookups import found_pool
from service.pools.schemas import ClassTable, NewPool, Pool
from service.runtime import ServiceDep
from store import pools
from store.pools import PoolCounts

router = APIRouter(tags=["pools"], route_class=Route)


@router.post(
    "/pools",
    summary="Create a pool",
    status_code=201,
    responses=errors(InvalidName, InvalidClassTable, PoolNameTaken, FileTooLarge),
)
def create_pool(service: ServiceDep, new: NewPool, response: Response) -> Pool:
    """Nothing of this can be changed later."""
    table = new.class_table.model_dump(mode="json") if isinstance(new.class_table, ClassTable) else None
    try:
        with service.database.write() as session:
            pool = pools.create(
                session,
                name=new.name,
                class_table=table,
                encoder=new.encoder or service.settings.encoder,
                default_strategy=new.default_strategy,
            )
    except IntegrityError:
        raise PoolNameTaken(
            f"There is already a pool named {new.name}: choose another name, or find the pool with "
            "GET /pools?name=…"
        ) from None
    response.headers["Location"] = f"/pools/{pool.id}"
    return Pool.of(pool, PoolCounts())


@router.get("/pools", summary="List pools", responses=errors(InvalidName))
def list_pools(
    service: ServiceDep,
    name: Annotated[PoolName | None, Query(description="Only the pool with exactly this name.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Pool]:
    """Oldest first."""
    with service.database.read() as session:
        page, following = cut(pools.page(session, name=name, after=cursor, limit=limit + 1), limit)
        counts = pools.counts(session, [pool.id for pool in page])
    return Page(items=[Pool.of(pool, counts.get(pool.id, PoolCounts())) for pool in page], next=following)


@router.get("/pools/{pool_id}", summary="Get a pool and its counts", responses=errors(NotFound))
def get_pool(service: ServiceDep, pool_id: UUID) -> Pool:
    with service.database.read() as session:
        pool = found_pool(session, pool_id)
        counts = pools.counts(session, [pool_id])
    return Pool.of(pool, counts.get(pool_id, PoolCounts()))
