"""Addresses of webhooks: who is told what happens in a pool, and whether that was taken."""

from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from service.access.credentials import PrincipalDep
from service.access.roles import CURATOR
from service.http.bodies import Route
from service.http.openapi import errors
from service.http.pages import Cursor, Limit, Page, cut
from service.http.problems import FileTooLarge, NotFound, TooManyWebhooks
from service.jobs.enqueue import ACCEPTED, accepted
from service.jobs.room import require_room
from service.lookups import found_pool
from service.runtime import ServiceDep
from service.webhooks.schemas import CreatedWebhook, Delivery, NewWebhook, Webhook
from store import events, pools, tables, webhooks

router = APIRouter(tags=["webhooks"], route_class=Route)

MOST_OF_A_POOL = 20


@router.post(
    "/pools/{pool_id}/webhooks",
    summary="Have an address told what happens",
    dependencies=[CURATOR],
    status_code=201,
    responses=errors(NotFound, TooManyWebhooks, FileTooLarge),
)
def create_webhook(service: ServiceDep, pool_id: UUID, new: NewWebhook) -> CreatedWebhook:
    """Messages are signed as the Standard Webhooks specification says, and sent again for about a day and a
    half until the receiver answers with 2xx. They may come twice, and in any order."""
    with service.database.write() as session:
        pools.lock(session, pool_id)
        found_pool(session, pool_id)
        if len(webhooks.of_pool(session, pool_id)) >= MOST_OF_A_POOL:
            raise TooManyWebhooks(f"The pool has {MOST_OF_A_POOL} webhooks: delete one that is not needed.")
        webhook = webhooks.add(session, pool_id, new.url, new.types)
        events.add(session, pool_id, "created", "webhook", webhook.id, types=webhook.types)
    return CreatedWebhook.model_validate(webhook)


@router.get(
    "/pools/{pool_id}/webhooks",
    summary="List a pool's webhooks",
    dependencies=[CURATOR],
    responses=errors(NotFound),
)
def list_webhooks(service: ServiceDep, pool_id: UUID) -> Page[Webhook]:
    """Oldest first."""
    with service.database.read() as session:
        found_pool(session, pool_id)
        found = webhooks.of_pool(session, pool_id)
    return Page(items=[Webhook.model_validate(webhook) for webhook in found], next=None)


@router.delete(
    "/pools/{pool_id}/webhooks/{webhook_id}",
    summary="Delete a webhook",
    dependencies=[CURATOR],
    status_code=204,
    responses=errors(NotFound),
)
def delete_webhook(service: ServiceDep, pool_id: UUID, webhook_id: UUID) -> None:
    """It gets no more messages, also none that were tried before."""
    with service.database.write() as session:
        webhook = _found(session, pool_id, webhook_id)
        events.add(session, pool_id, "deleted", "webhook", webhook_id)
        session.delete(webhook)


@router.post(
    "/pools/{pool_id}/webhooks/{webhook_id}/ping",
    summary="Send a message to a webhook now",
    dependencies=[CURATOR],
    status_code=202,
    responses={**ACCEPTED, **errors(NotFound)},
    response_class=JSONResponse,
)
def ping_webhook(service: ServiceDep, principal: PrincipalDep, pool_id: UUID, webhook_id: UUID) -> Response:
    """The message is `{"type": "ping", …}`, and it is tried once. The answer is the job that does it."""
    with service.database.write() as session:
        webhook = _found(session, pool_id, webhook_id)
        require_room(session, service.settings, webhooks.DELIVER)
        job = webhooks.deliver(session, webhook, "ping", {}, attempts=1, principal_id=principal.id)
    service.ring(job)
    return accepted(job)


@router.get(
    "/pools/{pool_id}/webhooks/{webhook_id}/deliveries",
    summary="List what was sent to a webhook",
    dependencies=[CURATOR],
    responses=errors(NotFound),
)
def list_deliveries(
    service: ServiceDep, pool_id: UUID, webhook_id: UUID, cursor: Cursor = None, limit: Limit = 100
) -> Page[Delivery]:
    """Newest first, with those that are still tried."""
    with service.database.read() as session:
        webhook = _found(session, pool_id, webhook_id)
        jobs = webhooks.deliveries(session, webhook, before=cursor, limit=limit + 1)
    page, following = cut(jobs, limit)
    return Page(items=[Delivery.of(job) for job in page], next=following)


def _found(session: Session, pool_id: UUID, webhook_id: UUID) -> tables.Webhook:
    found_pool(session, pool_id)
    webhook = webhooks.get(session, webhook_id)
    if webhook is None or webhook.pool_id != pool_id:
        raise NotFound(
            f"There is no webhook {webhook_id}: GET /pools/{pool_id}/webhooks lists those of the pool."
        )
    return webhook
