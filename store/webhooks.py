"""Webhooks: addresses that are told what happens in a pool.

A message is a job of the kind `deliver`, made in the transaction of what it tells of; the job is its entry in
the log of deliveries too. Bodies and signatures follow the Standard Webhooks specification, 1.0.0
(https://www.standardwebhooks.com).
"""

import base64
import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.clock import from_now
from store.job_kinds import DELIVERIES
from store.pages import newest_first
from store.tables import Job, Webhook

EventType = Literal["job.ended", "annotation.made", "selection.made"]
DELIVER = "deliver"
UNTOLD = (DELIVER, "delete", "suggest")
"""The kinds of jobs of whose end nobody is told."""

WAITS_S = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 10 * 3600)
"""How long after a failed attempt the next one is due, as the specification recommends."""
DEADLINE_S = 60.0
SECRET_PREFIX = "whsec_"


def add(session: Session, pool_id: uuid.UUID, url: str, types: Sequence[EventType]) -> Webhook:
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    session.add(webhook := Webhook(pool_id=pool_id, url=url, types=[*types], secret=secret))
    session.flush()
    return webhook


def get(session: Session, webhook_id: uuid.UUID) -> Webhook | None:
    return session.get(Webhook, webhook_id)


def of_pool(session: Session, pool_id: uuid.UUID) -> Sequence[Webhook]:
    """Oldest first."""
    return session.scalars(select(Webhook).where(Webhook.pool_id == pool_id).order_by(Webhook.id)).all()


def deliveries(session: Session, webhook: Webhook, *, before: uuid.UUID | None, limit: int) -> Sequence[Job]:
    """The jobs that deliver or delivered to a webhook, newest first."""
    query = newest_first(select(Job), Job, before, limit, pool_id=webhook.pool_id, kind=DELIVER)
    return session.scalars(query.where(Job.spec["webhook_id"].as_string() == str(webhook.id))).all()


def tell(session: Session, pool_id: uuid.UUID, type: EventType, **data: Any) -> None:
    """Tell the pool's webhooks that ask for it of what the caller's transaction does. `data` are values of
    JSON. The sweep rings for the deliveries.
    """
    for webhook in of_pool(session, pool_id):
        if type in webhook.types:
            deliver(session, webhook, type, data)


def tell_of_end(
    session: Session, job_id: uuid.UUID, pool_id: uuid.UUID | None, kind: str, state: str
) -> None:
    """Tell of a job that the caller's transaction ends."""
    if pool_id and kind not in UNTOLD:
        tell(session, pool_id, "job.ended", job_id=str(job_id), kind=kind, state=state)


def deliver(
    session: Session,
    webhook: Webhook,
    type: str,
    data: dict[str, Any],
    attempts: int = len(WAITS_S) + 1,
    principal_id: uuid.UUID | None = None,
) -> Job:
    """Order the delivery of a message; `principal_id` is who asked for it, if it tells of nothing."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    message = {"type": type, "timestamp": now, "data": {"pool_id": str(webhook.pool_id), **data}}
    job = Job(
        pool_id=webhook.pool_id,
        kind=DELIVER,
        queue=DELIVERIES,
        spec={"webhook_id": str(webhook.id), "message": message},
        max_attempts=attempts,
        deadline_s=DEADLINE_S,
        ring_at=from_now(0),
        principal_id=principal_id,
    )
    session.add(job)
    session.flush()
    return job


def body(message: dict[str, Any]) -> bytes:
    """The bytes that are sent and signed, the same at each attempt."""
    return json.dumps(message, separators=(",", ":")).encode()


def headers(secret: str, message_id: str, sent_at: int, content: bytes) -> dict[str, str]:
    """The headers with which the receiver checks who sent a message, and that it is no old one.

    `sent_at` is in seconds since 1970.
    """
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = hmac.digest(key, f"{message_id}.{sent_at}.".encode() + content, hashlib.sha256)
    return {
        "Content-Type": "application/json",
        "User-Agent": "fewpairs",
        "Webhook-Id": message_id,
        "Webhook-Timestamp": str(sent_at),
        "Webhook-Signature": f"v1,{base64.b64encode(signed).decode()}",
    }
