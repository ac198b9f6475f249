"""Deliver jobs: send a signed message to a webhook, again and again until it is taken."""

import time
import uuid

import httpcore

from store import webhooks
from store.webhooks import WAITS_S
from worker import outside
from worker.attempt import Attempt
from worker.outcomes import Mishap, Outcome, Permanent

GONE = 410
"""With this status a receiver says that it wants no messages any more."""


def deliver(attempt: Attempt) -> Outcome:
    claim, tools = attempt.claim, attempt.tools
    with tools.database.read() as session:
        webhook = webhooks.get(session, uuid.UUID(claim.spec["webhook_id"]))
    if webhook is None:
        raise Permanent("webhook-deleted", "The webhook was deleted before the message was delivered.")
    content = webhooks.body(claim.spec["message"])
    headers = webhooks.headers(webhook.secret, str(claim.job_id), int(time.time()), content)
    wait_s = WAITS_S[min(claim.attempt, len(WAITS_S)) - 1]
    try:
        status = outside.post(webhook.url, content, headers, tools.settings.webhook_private_networks)
    except outside.AddressRefused as refused:
        detail = f"{refused} An operator can allow it with FEWPAIRS_WEBHOOK_NETWORKS."
        raise Permanent("address-not-allowed", detail) from None
    except (OSError, httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        detail = f"No answer from {webhook.url}: {error or type(error).__name__}."
        raise Mishap("not-delivered", detail, wait_s) from None
    if 200 <= status < 300:
        return Outcome({"status": status})
    detail = f"{webhook.url} answered with status {status}."
    raise Permanent("not-delivered", detail) if status == GONE else Mishap("not-delivered", detail, wait_s)
