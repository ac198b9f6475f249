"""Who did what to which thing, when and from where."""

import csv
import io
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from store import actors, jobs
from store.actors import Actor
from store.database import Database
from store.settings import Settings
from store.tables import Event, Pool, new_id
from tests.access import KEY, PASSWORD
from tests.conftest import NO_BROKER
from tests.processes import until
from tests.service.serving import Client, serve
from tests.service.steps import annotate, new_pool, photo, put_photo


def listed(client: Client, **wanted: Any) -> list[dict[str, Any]]:
    """Events as an administrator sees them, oldest first."""
    answer = client.get("/events", params=wanted | {"limit": 1000})
    assert answer.status_code == 200, answer.text
    return list(reversed(answer.json()["items"]))


def acts(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["action"], event["kind"]) for event in events]


def test_an_act_is_recorded_with_who_and_from_where(client: Client) -> None:
    """Each act on a pool is an event with its principal, the client's address and the thing's id."""
    before = datetime.now(UTC) - timedelta(minutes=5)
    pool_id = new_pool(client)
    image = put_photo(client, pool_id, "a.jpg")
    annotate(client, image["id"])
    job = client.post(f"/pools/{pool_id}/trainings", json={}).json()
    client.post(f"/jobs/{job['id']}/cancel")
    client.post(f"/jobs/{job['id']}/cancel")
    found = listed(client, pool=pool_id)
    assert [(*act, event["subject_id"]) for act, event in zip(acts(found), found, strict=True)] == [
        ("created", "pool", pool_id),
        ("added", "image", image["id"]),
        ("annotated", "annotation", image["id"]),
        ("ordered", "job", job["id"]),
        ("cancelled", "job", job["id"]),
    ]
    assert {event["address"] for event in found} == {"127.0.0.1"}
    assert {event["principal"] for event in found} == {"admin"}
    assert before < datetime.fromisoformat(found[0]["created_at"]) < before + timedelta(minutes=10)


def test_photos_that_come_together_are_one_event(client: Client) -> None:
    """The event names the photos, and is absent if all were there before."""
    pool_id = new_pool(client)
    files = [("files", (f"{n}.jpg", photo(n))) for n in range(3)]
    for _ in range(2):
        client.post(f"/pools/{pool_id}/images", files=files)
    images = client.get(f"/pools/{pool_id}/images").json()["items"]
    [event] = listed(client, pool=pool_id, action="added")
    assert (event["kind"], event["subject_id"]) == ("image", pool_id)
    assert event["details"] == {"images": [image["id"] for image in images]}


def test_what_is_refused_leaves_no_event(client: Client) -> None:
    """The row is part of the transaction: it goes with an act that fails."""
    pool_id = new_pool(client)
    name = client.get(f"/pools/{new_pool(client)}").json()["name"]
    assert client.patch(f"/pools/{pool_id}", json={"name": name}).status_code == 409
    assert acts(listed(client, pool=pool_id)) == [("created", "pool")]


def test_events_are_filtered(client: Client) -> None:
    """By pool, thing, principal, kind, action and time; the pages together have each event once."""
    pool_id, other = new_pool(client), new_pool(client)
    image = put_photo(client, pool_id, "a.jpg")
    annotate(client, image["id"])
    everything = listed(client, pool=pool_id)
    assert acts(listed(client, pool=pool_id, kind="image")) == [("added", "image")]
    assert acts(listed(client, pool=pool_id, action="annotated")) == [("annotated", "annotation")]
    assert acts(listed(client, subject=image["id"])) == [("added", "image"), ("annotated", "annotation")]
    assert acts(listed(client, pool=other)) == [("created", "pool")]
    assert listed(client, pool=pool_id, principal=everything[0]["principal_id"]) == everything
    assert listed(client, principal=str(uuid.uuid4())) == []
    assert listed(client, pool=pool_id, since=everything[1]["created_at"]) == everything[1:]
    assert client.get("/events", params={"kind": "nothing"}).status_code == 422
    for since in ("0001-01-01T00:00:00+14:00", "2026-01-01T00:00", "0.5"):
        assert client.get("/events", params={"since": since}).status_code == 422
    pages, cursor = [], None
    while cursor or not pages:
        params = {"pool": pool_id, "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get("/events", params=params).json()
        pages += page["items"]
        cursor = page["next"]
    assert pages == list(reversed(everything))


def test_a_pools_events_do_not_show_addresses(client: Client) -> None:
    """Members of a pool see who did what to it, and not from where."""
    pool_id = new_pool(client)
    [event] = client.get(f"/pools/{pool_id}/events").json()["items"]
    assert event["principal"] == "admin"
    assert "address" not in event


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_events_are_exported(client: Client, format: str) -> None:
    """An export has the same events as the list, as lines of JSON or CSV."""
    pool_id = new_pool(client)
    put_photo(client, pool_id, 'a "b", c.jpg')
    answer = client.get("/events/export", params={"pool": pool_id, "format": format})
    if format == "jsonl":
        found = [json.loads(line) for line in answer.text.splitlines()]
    else:
        rows = csv.DictReader(io.StringIO(answer.text, newline=""))
        found = [row | {"details": json.loads(row["details"])} for row in rows]
    assert list(reversed(found)) == listed(client, pool=pool_id)
    assert answer.headers["content-type"].startswith(
        {"jsonl": "application/jsonl", "csv": "text/csv"}[format]
    )


@pytest.fixture
def proxied(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Client]:
    settings = Settings(data_dir=tmp_path, broker_url=NO_BROKER, trusted_proxies="127.0.0.1, 10.0.0.0/8")
    with serve(settings) as client:
        yield client


def test_only_a_trusted_proxy_says_where_a_request_comes_from(proxied: Client, client: Client) -> None:
    """The last address that is no proxy's counts; without a trusted proxy the header does nothing."""
    forged = {"X-Forwarded-For": "1.2.3.4, 192.0.2.7, 10.1.1.1"}
    for asked, address in ((proxied, "192.0.2.7"), (client, "127.0.0.1")):
        name = {"name": f"pool {uuid.uuid4()}", "class_table": "rgb"}
        pool_id = asked.post("/pools", json=name, headers=forged).json()["id"]
        assert listed(asked, pool=pool_id)[0]["address"] == address


def test_a_job_acts_for_whoever_ordered_it(database: Database) -> None:
    """The job carries the principal to the worker; outside of a request nobody acts."""
    settings, someone = Settings(), new_id()
    with database.write() as session, actors.acting(Actor(someone, "192.0.2.7")):
        session.add(pool := Pool(name="p", encoder="resnet50"))
        session.flush()
        job = jobs.create(session, settings, kind="export", pool_id=pool.id, spec={})
    with database.write() as session:
        by_itself = jobs.create(session, settings, kind="export", pool_id=pool.id, spec={})
        claims = [jobs.claim(session, one.id, worker="w", lease_s=9) for one in (job, by_itself)]
        events = session.query(Event).order_by(Event.id).all()
    assert [claim and claim.principal_id for claim in claims] == [someone, None]
    assert [(event.principal_id, event.address) for event in events] == [(someone, "192.0.2.7"), (None, None)]


def test_the_log_says_who_asked_and_how_much(client: Client) -> None:
    """A request's line has its principal, the client's address, and the bytes of both bodies."""
    pool_id, sent = new_pool(client), photo(7)
    with capture_logs() as lines:
        answer = client.put(f"/pools/{pool_id}/images/a.jpg", content=sent)
        until(lambda: any(line.get("method") == "PUT" for line in lines), "the line of the request")
    [line] = [line for line in lines if line.get("method") == "PUT"]
    assert (line["principal"], line["client"]) == ("admin", "127.0.0.1")
    assert (line["bytes_in"], line["bytes_out"]) == (len(sent), len(answer.content))


def test_no_secret_is_logged(client: Client) -> None:
    """Not of requests that are answered, refused, misdirected or not understood: see `tests.conftest`."""
    pool_id = new_pool(client)
    made = client.post("/keys", json={"label": "laptop"}).json()["key"]
    webhook = client.post(f"/pools/{pool_id}/webhooks", json={"url": "https://example.org/"}).json()
    client.post("/users", json={"name": f"user {uuid.uuid4()}", "password": PASSWORD})
    client.post("/session", json={"name": "nobody", "password": PASSWORD})
    client.post("/session", json={"name": ["nobody"], "password": PASSWORD})
    for secret in (KEY, made, webhook["secret"]):
        client.get("/pools", params={"key": secret}, headers={"Authorization": f"Bearer {secret}"})
        client.get("/me", headers={"Authorization": f"Basic {secret}"})
        client.get("/me", headers={"Cookie": f"session={secret}"})
        client.request("PURGE", "/me", content=secret)
        client.get("/me", headers={"X-Request-ID": secret})
