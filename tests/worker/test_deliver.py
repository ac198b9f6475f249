"""Messages to webhooks, sent to a real receiver."""

import json
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, update
from standardwebhooks import Webhook as Verifier

from store import jobs, webhooks
from store.bell import TASK
from store.clock import from_now
from store.settings import Settings
from store.tables import Job, Webhook
from tests.processes import until
from tests.receiver import Receiver, receiver
from tests.worker.factories import Pools
from worker import outside
from worker.app import build_app, run_rung
from worker.attempt import Tools
from worker.deliverer import Deliverer
from worker.run import run
from worker.turns import Turns


@pytest.fixture
def hooked() -> Iterator[Receiver]:
    with receiver() as server:
        yield server


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Webhooks may be sent to this machine."""
    return settings.model_copy(update={"webhook_networks": "127.0.0.0/8"})


def hook(tools: Tools, pools: Pools, url: str) -> Webhook:
    pool_id = pools.pool()
    with tools.database.write() as session:
        return webhooks.add(session, pool_id, url, ["job.ended"])


def sent(tools: Tools, webhook: Webhook) -> uuid.UUID:
    with tools.database.write() as session:
        return webhooks.deliver(session, webhook, "job.ended", {"state": "succeeded"}).id


def delivered(tools: Tools, job_id: uuid.UUID) -> Job:
    """The job after one attempt."""
    run(job_id, tools, threading.Event())
    with tools.database.read() as session:
        return session.get_one(Job, job_id)


def seconds_to_next(tools: Tools, job_id: uuid.UUID) -> float:
    with tools.database.read() as session:
        row = session.execute(select(Job.ring_at, from_now(0)).where(Job.id == job_id)).one()
    return float((row[0] - row[1]).total_seconds())


def test_a_message_is_signed(tools: Tools, pools: Pools, hooked: Receiver) -> None:
    """The reference implementation of the specification accepts it, and nothing that was changed."""
    webhook = hook(tools, pools, hooked.url)
    job = delivered(tools, sent(tools, webhook))
    assert (job.state, job.result, job.attempt) == ("succeeded", {"status": 204}, 1)
    [(path, headers, body)] = hooked.received
    assert (path, headers["Webhook-Id"]) == ("/hook?of=street", str(job.id))
    verifier = Verifier(webhook.secret)
    message = verifier.verify(body, headers)
    assert message["type"] == "job.ended"
    assert message["data"] == {"pool_id": str(webhook.pool_id), "state": "succeeded"}
    later = str(int(headers["Webhook-Timestamp"]) + 1)
    for changed in ((body + b" ", headers), (body, headers | {"Webhook-Timestamp": later})):
        with pytest.raises(Exception, match="No matching signature"):
            verifier.verify(*changed)


def test_a_message_is_sent_again_until_it_is_taken(tools: Tools, pools: Pools) -> None:
    """After an error the next attempt is due later and later; it has the same id and the same body."""
    with receiver(500, 302, 200) as server:
        job_id = sent(tools, hook(tools, pools, server.url))
        job = delivered(tools, job_id)
        assert (job.state, job.attempt) == ("queued", 1)
        assert "status 500" in (job.error or {})["detail"]
        assert 0 < seconds_to_next(tools, job_id) <= 5
        job = delivered(tools, job_id)
        assert (job.state, job.attempt) == ("queued", 2)
        assert 200 < seconds_to_next(tools, job_id) <= 300
        job = delivered(tools, job_id)
        assert (job.state, job.result, job.error) == ("succeeded", {"status": 200}, None)
        assert [path for path, _, _ in server.received] == ["/hook?of=street"] * 3  # no redirect is followed
        assert len({body for _, _, body in server.received}) == 1
        assert {headers["Webhook-Id"] for _, headers, _ in server.received} == {str(job_id)}


def test_a_message_that_is_never_taken_fails(tools: Tools, pools: Pools) -> None:
    """After eight attempts, or at once if the receiver says that it wants no more (410)."""
    with receiver(503) as server:
        job_id = sent(tools, hook(tools, pools, server.url))
        states = [delivered(tools, job_id).state for _ in range(8)]
    assert states == ["queued"] * 7 + ["failed"]
    with receiver(410) as server:
        assert delivered(tools, sent(tools, hook(tools, pools, server.url))).state == "failed"


def test_nobody_listens(tools: Tools, pools: Pools) -> None:
    """A refused connection, and a name that does not exist, are mishaps."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        for address in (url, "http://nowhere.invalid/"):
            job = delivered(tools, sent(tools, hook(tools, pools, address)))
            assert (job.state, (job.error or {})["type"]) == ("queued", "not-delivered")


def test_an_answer_that_never_ends_is_given_up(
    tools: Tools, pools: Pools, hooked: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although its bytes keep coming, which no time-out of a single read would end."""
    monkeypatch.setattr(outside, "LONGEST_S", 0.3)
    hooked.drips.set()
    job = delivered(tools, sent(tools, hook(tools, pools, hooked.url)))
    assert (job.state, (job.error or {})["type"]) == ("queued", "not-delivered")


def test_a_name_whose_look_up_never_ends_is_given_up(
    tools: Tools, pools: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look-up counts to the time that a message has."""
    asked, ends = threading.Event(), threading.Event()

    def silent(*_: Any, **__: Any) -> list[Any]:
        asked.set()
        ends.wait(60)
        return []

    monkeypatch.setattr(outside, "LONGEST_S", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", silent)
    job = delivered(tools, sent(tools, hook(tools, pools, "http://example.org/")))
    assert asked.is_set()
    ends.set()
    assert (job.state, (job.error or {})["type"]) == ("queued", "not-delivered")
    assert "no answer within" in (job.error or {})["detail"]


def test_a_silent_receiver_keeps_no_job_waiting(
    tools: Tools, pools: Pools, hooked: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a message is being sent, the same worker runs a job that was rung for later to its end."""
    monkeypatch.setattr(outside, "LONGEST_S", 30.0)
    hooked.drips.set()
    message = sent(tools, hook(tools, pools, hooked.url))
    search = pools.job(pools.pool(), "search", {"what": "duplicates", "within": None})
    shutdown = threading.Event()
    deliverer = Deliverer(partial(run_rung, tools=tools, shutdown=shutdown, turns=Turns()))
    task = build_app(tools, shutdown, deliverer).tasks[TASK]
    task.apply([str(message)], routing_key=pools.get(message).queue)
    until(lambda: hooked.received, "the message arrives")
    task.apply([str(search)], routing_key=pools.get(search).queue)
    assert pools.get(search).finished_at
    assert (pools.get(message).state, pools.get(message).error) == ("running", None)
    hooked.drips.clear()
    until(lambda: pools.get(message).error, "the attempt ends")
    deliverer.close()


def test_private_networks_are_refused(tools: Tools, pools: Pools, hooked: Receiver) -> None:
    """Unless the setting allows them; however the address is written, and nothing is sent."""
    strict = replace(tools, settings=tools.settings.model_copy(update={"webhook_networks": "10.0.0.0/8"}))
    port = hooked.server_port
    for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0.0.0.0"):
        job = delivered(strict, sent(tools, hook(tools, pools, f"http://{host}:{port}/")))
        assert (job.state, (job.error or {})["type"]) == ("failed", "address-not-allowed"), host
    assert hooked.received == []


def test_a_name_with_one_private_address_is_refused(
    tools: Tools, pools: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every address of the name is looked at, before one is connected to."""
    found: list[Any] = [(2, 1, 6, "", (address, 80)) for address in ("93.184.216.34", "192.168.1.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    job = delivered(tools, sent(tools, hook(tools, pools, "http://example.org/")))
    assert (job.error or {})["type"] == "address-not-allowed"


@pytest.mark.parametrize(
    ("addresses", "public"),
    [
        ("93.184.216.34 8.8.8.8 2606:4700::1111 ::ffff:8.8.8.8", True),
        ("127.0.0.1 10.1.2.3 172.16.0.1 192.168.0.1 169.254.169.254 100.64.0.1 100.100.100.200", False),
        ("0.0.0.0 224.0.0.1 255.255.255.255 198.18.0.1 168.63.129.16 192.0.0.192", False),
        ("::1 :: fe80::1 fe80::1%2 fc00::1 fd00:ec2::254 ff02::1 2001:db8::1", False),
        ("::ffff:127.0.0.1 ::ffff:169.254.169.254 ::7f00:1 64:ff9b::7f00:1 2002:7f00:1::1", False),
    ],
)
def test_which_addresses_are_public(addresses: str, public: bool) -> None:
    """Loopback, private, link-local, shared and multicast addresses, those of clouds' metadata, and IPv6
    addresses that lead to IPv4 ones, are not."""
    for address in addresses.split():
        assert outside.is_public(address) == public, address


def ended(tools: Tools) -> list[dict[str, Any]]:
    with tools.database.read() as session:
        found = session.scalars(select(Job).where(Job.kind == "deliver").order_by(Job.id)).all()
    return [json.loads(webhooks.body(job.spec["message"]))["data"] for job in found]


def test_every_end_of_a_job_is_told_once(tools: Tools, pools: Pools) -> None:
    """Success, failure, the last mishap, cancellation and a worker's silence; not the end of a delivery."""
    pool_id = hook(tools, pools, "http://127.0.0.1/").pool_id
    ends: list[Callable[[Any, Any], None]] = [
        lambda session, claim: jobs.succeed(session, claim, {}),
        lambda session, claim: jobs.fail(session, claim, type="t", detail="d"),
        lambda session, claim: jobs.retry(session, claim, type="t", detail="d"),
        lambda session, claim: jobs.stopped(session, claim),
    ]
    expected = []
    for end, state in zip(ends, ("succeeded", "failed", "failed", "cancelled"), strict=True):
        job_id = pools.job(pool_id, "train", {}, max_attempts=1)
        with tools.database.write() as session:
            end(session, jobs.claim(session, job_id, worker="w", lease_s=60))
        expected.append((str(job_id), state))
    queued = pools.job(pool_id, "train", {})
    silent = pools.job(pool_id, "train", {}, max_attempts=1)
    with tools.database.write() as session:
        for _ in range(2):
            jobs.cancel(session, queued)
        jobs.claim(session, silent, worker="w", lease_s=60)
        session.execute(update(Job).where(Job.id == silent).values(lease_expires_at=from_now(-1)))
    for _ in range(2):
        with tools.database.write() as session:
            jobs.sweep(session, ring_again_s=20)
    expected += [(str(queued), "cancelled"), (str(silent), "failed")]
    assert [(one["job_id"], one["state"]) for one in ended(tools)] == expected
    with tools.database.read() as session:
        [first, *_] = session.scalars(select(Job.id).where(Job.kind == "deliver").order_by(Job.id)).all()
    assert delivered(tools, first).state in ("queued", "failed")
    assert len(ended(tools)) == len(expected)
