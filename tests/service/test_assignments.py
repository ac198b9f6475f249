"""Handing out picks to annotators."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Update, event, update

from store import assignments, credentials, jobs, memberships, principals
from store.tables import Assignment, Selection
from tests.access import key_of
from tests.service.serving import Client
from tests.service.steps import annotate, new_pool, photo, put_photo, selection_document, slug


def pool_with_selection(client: Client, count: int = 4) -> tuple[str, list[str]]:
    """A new pool whose newest selection picks all its images, last upload first, and their ids by rank."""
    pool_id = new_pool(client)
    images = [put_photo(client, pool_id, f"{n}.jpg", photo(n)) for n in range(count)]
    pick_all(client, pool_id, images[::-1])
    return pool_id, [image["id"] for image in images[::-1]]


def pick_all(client: Client, pool_id: str, images: list[dict[str, Any]], split: str = "train") -> str:
    """Add a selection of all these images, in this order, and return its id."""
    service, document = client.service, selection_document(pool_id, images)
    document["receipt"]["split"] = split
    with service.database.write() as session:
        job = jobs.create(session, service.settings, kind="select", pool_id=uuid.UUID(pool_id), spec={})
        values = {"pool_id": job.pool_id, "job_id": job.id, "document": document}
        session.add(Selection(id=uuid.UUID(document["id"]), **values))
    return str(document["id"])


def assign(client: Client, pool_id: str, annotator: str, count: int = 1, **more: Any) -> Any:
    body = {"count": count, **more}
    return client.post(f"/pools/{pool_id}/assignments", json=body, headers=key_of(client.service, annotator))


def held(client: Client, pool_id: str, annotator: str, count: int = 1, **more: Any) -> list[str]:
    """The image ids that the annotator holds after asking."""
    answer = assign(client, pool_id, annotator, count, **more)
    assert answer.status_code == 200, answer.text
    return [item["image_id"] for item in answer.json()["items"]]


def pass_time(client: Client, pool_id: str, seconds: float) -> None:
    """Make the pool's open assignments older by this many seconds."""
    with client.service.database.write() as session:
        for row in session.query(Assignment).filter_by(pool_id=uuid.UUID(pool_id), state="open"):
            row.lease_expires_at -= timedelta(seconds=seconds)
            row.created_at -= timedelta(seconds=seconds)


def test_picks_are_handed_out_by_rank_and_once(client_of_each: Client) -> None:
    """Each annotator gets the best free picks, with the data needed to label them."""
    client = client_of_each
    pool_id, ids = pool_with_selection(client)
    assert held(client, pool_id, "ana", 2) == ids[:2]
    answer = assign(client, pool_id, "ben")
    [item] = answer.json()["items"]
    assert (item["image_id"], item["rank"], item["state"], item["name"]) == (ids[2], 3, "open", "1.jpg")
    assert (answer.json()["free"], item["annotator"], item["ended_at"]) == (1, "ben", None)


def test_asking_again_gives_the_same_images_with_a_new_lease(client_of_each: Client) -> None:
    """After a lost answer no image is handed out twice; a larger count adds only the missing ones."""
    client = client_of_each
    pool_id, ids = pool_with_selection(client)
    first = assign(client, pool_id, "ana", 2, lease_s=60).json()["items"]
    again = assign(client, pool_id, "ana", 2, lease_s=3600).json()["items"]
    assert [item["id"] for item in again] == [item["id"] for item in first]
    assert all(
        new["lease_expires_at"] > old["lease_expires_at"] for new, old in zip(again, first, strict=True)
    )
    assert held(client, pool_id, "ana", 3) == ids[:3]
    assert held(client, pool_id, "ana", 1) == ids[:3]


def test_an_expired_lease_frees_the_image(client_of_each: Client) -> None:
    """Another annotator gets the image; the old assignment is listed as expired and cannot be renewed."""
    client = client_of_each
    pool_id, ids = pool_with_selection(client, 1)
    [first] = assign(client, pool_id, "ana", lease_s=60).json()["items"]
    assert slug(assign(client, pool_id, "ben")) == "no-free-pick"
    pass_time(client, pool_id, 61)
    listed = client.get(f"/pools/{pool_id}/assignments?open=true").json()["items"]
    assert listed == []
    assert held(client, pool_id, "ben") == ids
    [ben, ana] = client.get(f"/pools/{pool_id}/assignments").json()["items"]
    assert [(item["annotator"], item["state"]) for item in (ben, ana)] == [
        ("ben", "open"),
        ("ana", "expired"),
    ]
    assert ana["ended_at"] == ana["lease_expires_at"]
    refused = client.post(f"/assignments/{first['id']}/renew", json={})
    assert (refused.status_code, slug(refused)) == (409, "assignment-ended")


def test_a_lease_that_expires_during_another_request_keeps_its_image(client_of_each: Client) -> None:
    """A lease that expires after expired leases were ended, but before images are chosen, keeps its image."""
    client = client_of_each
    pool_id, ids = pool_with_selection(client, 2)
    assert held(client, pool_id, "ana", lease_s=60) == ids[:1]
    expire = update(Assignment).values(lease_expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    with statements(client, after_expiring=expire) as seen:
        assert held(client, pool_id, "ben", 2) == ids[1:]
    assert seen
    assert held(client, pool_id, "ben", 2) == ids[::-1]


OTHERS = ("BEGIN", "installation", "api_keys", "principals")
"""In statements that are also sent, now and then, for other things: readiness, and who asks."""


def test_many_picks_are_handed_out_in_few_statements(client_of_each: Client) -> None:
    """Twelve images need no more statements than two, because other requests wait meanwhile. The fewest of
    two tries count: the service asks for things of its own at times.
    """

    def sent(count: int) -> int:
        pool_id, ids = pool_with_selection(client_of_each, count)
        with statements(client_of_each) as seen:
            assert held(client_of_each, pool_id, "ana", count) == ids
        return sum(not any(other in statement for other in OTHERS) for statement in seen)

    assert min(sent(2) for _ in range(2)) == min(sent(12) for _ in range(2))


@contextmanager
def statements(client: Client, after_expiring: Update | None = None) -> Iterator[list[str]]:
    """Collect the statements that the service sends, and run one more after the one that ends expired
    leases, in its transaction."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        is_first = not any(earlier.startswith("UPDATE assignments") for earlier in seen)
        seen.append(statement)
        if after_expiring is not None and is_first and statement.startswith("UPDATE assignments"):
            connection.execute(after_expiring)

    engine = client.service.database.engine
    event.listen(engine, "after_cursor_execute", note)
    yield seen
    event.remove(engine, "after_cursor_execute", note)


def test_a_lease_can_be_renewed_while_nobody_else_has_the_image(client_of_each: Client) -> None:
    """An expired lease can be renewed too; then nobody else gets the image."""
    client = client_of_each
    pool_id, _ = pool_with_selection(client, 1)
    [item] = assign(client, pool_id, "ana", lease_s=60).json()["items"]
    pass_time(client, pool_id, 61)
    renewed = client.post(f"/assignments/{item['id']}/renew", json={"lease_s": 600}).json()
    assert (renewed["id"], renewed["state"]) == (item["id"], "open")
    assert slug(assign(client, pool_id, "ben")) == "no-free-pick"


def test_an_image_given_back_is_free_at_once(client_of_each: Client) -> None:
    """Others can have the image; giving it back again changes nothing."""
    client = client_of_each
    pool_id, ids = pool_with_selection(client, 1)
    [item] = assign(client, pool_id, "ana").json()["items"]
    returned = client.delete(f"/assignments/{item['id']}")
    assert (returned.status_code, returned.json()["state"]) == (200, "returned")
    assert held(client, pool_id, "ben") == ids
    assert client.delete(f"/assignments/{item['id']}").json() == returned.json()
    assert held(client, pool_id, "ben") == ids


def test_only_curators_decide_about_the_assignments_of_others(client: Client) -> None:
    """Another annotator can neither renew nor give back somebody's image; a curator can do both."""
    pool_id, _ = pool_with_selection(client)
    [item] = assign(client, pool_id, "ana").json()["items"]
    keys = {}
    for role in ("annotator", "curator"):
        with client.service.database.write() as session:
            principal = principals.ensure(session, f"a mere {role}", admin=False)
            memberships.put(session, uuid.UUID(pool_id), principal.id, role)
            keys[role] = {"Authorization": f"Bearer {credentials.add_key(session, principal.id, role)[1]}"}
    address = f"/assignments/{item['id']}"
    for role, status in (("annotator", 403), ("curator", 200)):
        assert client.post(f"{address}/renew", json={}, headers=keys[role]).status_code == status
        assert client.delete(address, headers=keys[role]).status_code == status


def test_an_annotation_ends_the_assignment(client_of_each: Client) -> None:
    """Only the assignment of that image ends, whoever annotated it; the image is never handed out again."""
    client = client_of_each
    pool_id, ids = pool_with_selection(client, 3)
    assign(client, pool_id, "ana", 2)
    annotate(client, ids[0])
    listed = client.get(f"/pools/{pool_id}/assignments").json()["items"]
    assert {item["image_id"]: item["state"] for item in listed} == {ids[0]: "annotated", ids[1]: "open"}
    assert held(client, pool_id, "ben", 3) == ids[2:]
    assert held(client, pool_id, "ana", 2) == ids[1:2]


def test_when_nothing_is_free_the_answer_says_what_to_do(client: Client) -> None:
    """This holds without a selection, with all picks taken, and with a selection of another pool."""
    pool_id = new_pool(client)
    image = put_photo(client, pool_id, "a.jpg")
    without = assign(client, pool_id, "ana")
    assert (without.status_code, slug(without)) == (409, "no-selection")
    selection_id = pick_all(client, pool_id, [image])
    annotate(client, image["id"])
    taken = assign(client, pool_id, "ana")
    assert (taken.status_code, slug(taken)) == (409, "no-free-pick")
    assert "/select?budget=" in taken.json()["detail"]
    other, _ = pool_with_selection(client, 1)
    assert slug(assign(client, other, "ana", selection_id=selection_id)) == "not-found"


def test_an_older_selection_can_be_handed_out(client: Client) -> None:
    """The newest selection is the default; an image in both selections stays with one annotator."""
    pool_id, ids = pool_with_selection(client, 2)
    images = [{"id": image_id, "name": ""} for image_id in ids[::-1]]
    newest = pick_all(client, pool_id, images)
    [item] = assign(client, pool_id, "ana").json()["items"]
    assert (item["image_id"], item["selection_id"]) == (ids[1], newest)
    older = client.get(f"/pools/{pool_id}/assignments").json()["items"]
    assert len(older) == 1
    assert held(client, pool_id, "ben", 2) == [ids[0]]


def test_a_selection_that_is_named_is_handed_out(client: Client) -> None:
    """A named selection may be old or of test images; test images are never handed out by default."""
    pool_id, ids = pool_with_selection(client, 3)
    images = [{"id": image_id, "name": ""} for image_id in ids]
    older = pick_all(client, pool_id, images[1:2])
    newest = pick_all(client, pool_id, images[:1])
    tests = pick_all(client, pool_id, images[2:], split="test")
    assert held(client, pool_id, "ana", selection_id=older) == [ids[1]]
    assert held(client, pool_id, "ben", selection_id=tests) == [ids[2]]
    answer = assign(client, pool_id, "cleo").json()
    assert (answer["selection_id"], answer["items"][0]["image_id"]) == (newest, ids[0])


@pytest.mark.parametrize(
    "body",
    [
        *({"annotator": ""}, {"count": 0}, {"lease_s": 0}, {"selection_id": "x"}, {"x": 1}),
    ],
)
def test_a_bad_request_hands_out_nothing(client: Client, body: dict[str, Any]) -> None:
    """The request is refused with 422, and every pick stays free."""
    pool_id, _ = pool_with_selection(client, 1)
    assert client.post(f"/pools/{pool_id}/assignments", json=body).status_code == 422
    assert client.get(f"/pools/{pool_id}/assignments").json()["items"] == []


def test_assignments_are_listed_in_pages(client: Client) -> None:
    """The list is newest first and can be filtered by annotator and by whether they are open."""
    pool_id, ids = pool_with_selection(client, 5)
    assign(client, pool_id, "ana", 3)
    assign(client, pool_id, "ben", 2)
    annotate(client, ids[0])
    listed = f"/pools/{pool_id}/assignments"
    first = client.get(listed, params={"limit": 2, "annotator": "ana"}).json()
    rest = client.get(listed, params={"limit": 2, "annotator": "ana", "cursor": first["next"]}).json()
    assert [item["image_id"] for item in first["items"] + rest["items"]] == ids[2::-1]
    assert rest["next"] is None
    of_ana = {"annotator": "ana", "open": "false"}
    assert [item["image_id"] for item in client.get(listed, params=of_ana).json()["items"]] == ids[:1]


def test_the_annotators_minutes_per_image(client_of_each: Client) -> None:
    """The result is the median of 10 minutes for Ana's first image, 4 for each of the three that she sent
    together 12 minutes later, and 9 for Ben's. An annotation after the end of its lease does not count."""
    client = client_of_each
    pool_id, ids = pool_with_selection(client, 6)
    for annotator, count in (("ana", 4), ("ben", 1), ("cleo", 1)):
        assign(client, pool_id, annotator, count)
    ended = dict(zip(ids, (10, 21.5, 21.8, 22, 9, 500), strict=True))
    assert minutes_per_image(client, pool_id) is None
    for image_id in ids:
        annotate(client, image_id)

    def end(*annotators: str) -> None:
        with client.service.database.write() as session:
            for row in session.query(Assignment).filter_by(pool_id=uuid.UUID(pool_id)):
                counts = row.annotator in annotators
                row.state = "annotated" if counts else "returned"
                row.ended_at = row.created_at + timedelta(minutes=ended[str(row.image_id)])

    end("ana", "ben", "cleo")
    assert minutes_per_image(client, pool_id) == pytest.approx(4, abs=0.01)
    end("ben", "cleo")
    assert minutes_per_image(client, pool_id) == pytest.approx(9, abs=0.01)


def minutes_per_image(client: Client, pool_id: str) -> float | None:
    with client.service.database.read() as session:
        return assignments.minutes_per_image(session, uuid.UUID(pool_id))


def test_a_curator_gives_picks_to_a_member(client: Client) -> None:
    """They hold the best free picks, as if they had asked. Nothing is given to strangers."""
    pool_id, ids = pool_with_selection(client)
    key_of(client.service, "ana")
    address = f"/pools/{pool_id}/assignments"
    assert slug(client.post(address, json={"annotator": "ana"})) == "not-found"
    client.put(f"/pools/{pool_id}/members/ana", json={"role": "annotator"}).raise_for_status()
    given = client.post(address, json={"count": 2, "annotator": "ana"}).json()
    assert [(item["image_id"], item["annotator"]) for item in given["items"]] == [
        (ids[0], "ana"),
        (ids[1], "ana"),
    ]
    assert slug(client.post(address, json={"annotator": "nobody here"})) == "not-found"
