"""Drafts: kept for their owners alone, and never counted."""

import io
import uuid

import pytest
from PIL import Image
from sqlalchemy import select, update

from store import assignments, drafts, references
from store.blobs import BlobMissing
from store.clock import from_now
from store.tables import Draft
from tests.access import key_of
from tests.service.serving import Client
from tests.service.steps import ABSENT, encoded, label_map, new_pool, photo, put_photo, slug


@pytest.fixture
def address(client: Client) -> str:
    return f"/images/{put_photo(client, new_pool(client), 'a.jpg')['id']}"


def pixels(content: bytes) -> bytes:
    return Image.open(io.BytesIO(content)).tobytes()


def rows(client: Client, address: str) -> list[str]:
    of_image = Draft.image_id == uuid.UUID(address.split("/")[-1])
    with client.service.database.read() as session:
        return list(session.scalars(select(Draft.sha256).where(of_image)))


def test_the_last_draft_comes_back_as_it_was_sent(client: Client, address: str) -> None:
    """Its pixels, the revision that it goes on from and the time of work; it may be wholly unlabelled, and a
    second one takes the place of the first, whose bytes may leave.
    """
    assert client.get(f"{address}/draft").status_code == 204
    striped = Image.frombytes("L", (32, 24), bytes(range(2)) * 384)
    first = client.put(f"{address}/draft", content=encoded(striped, "PNG"))
    assert (first.status_code, first.json()["revision"]) == (200, None)
    params = {"revision": 3, "active_seconds": 12.5}
    empty = Image.new("L", (32, 24), 255)
    second = client.put(f"{address}/draft", content=encoded(empty, "PNG"), params=params).json()
    assert (second["revision"], second["active_seconds"]) == (3, 12.5)
    found = client.get(f"{address}/draft")
    assert pixels(found.content) == empty.tobytes()
    assert found.headers["fewpairs-revision"] == "3"
    assert found.headers["fewpairs-active-seconds"] == "12.5"
    assert found.headers["etag"] == f'"{second["sha256"]}"'
    assert rows(client, address) == [second["sha256"]]
    with client.service.database.alone() as session:
        assert references.remove_leaving(session, client.service.blobs)
    client.service.blobs.require(second["sha256"])
    with pytest.raises(BlobMissing):
        client.service.blobs.require(first.json()["sha256"])


def test_a_draft_has_the_size_and_the_classes_of_its_photo(client: Client, address: str) -> None:
    """What could not become an annotation is refused as one, except that nothing need be labelled yet."""
    wrong = client.put(f"{address}/draft", content=label_map(size=(24, 32)))
    assert slug(wrong) == "label-map-size"
    assert slug(client.put(f"{address}/draft", content=label_map(9))) == "label-map-unknown-class"
    rgb = f"/images/{put_photo(client, new_pool(client, 'rgb'), 'b.jpg', photo(1))['id']}/draft"
    assert client.put(rgb, content=photo(2)).status_code == 200
    assert client.get(rgb).content == photo(2)


def test_a_draft_is_its_owners_and_counts_for_nothing(client: Client, address: str) -> None:
    """Somebody else has another one; the photo is not annotated by it. An annotation ends the draft of who
    sent it, and of nobody else.
    """
    other = key_of(client.service, "somebody else")
    client.put(f"{address}/draft", content=label_map(0)).raise_for_status()
    assert client.get(f"{address}/draft", headers=other).status_code == 204
    client.put(f"{address}/draft", content=label_map(1), headers=other).raise_for_status()
    assert client.get(address).json()["annotation_revision"] is None
    client.put(f"{address}/annotation", content=label_map(1), headers=ABSENT).raise_for_status()
    assert client.get(f"{address}/draft").status_code == 204
    assert pixels(client.get(f"{address}/draft", headers=other).content) == pixels(label_map(1))
    assert client.delete(f"{address}/draft", headers=other).status_code == 204
    assert rows(client, address) == []


def test_a_class_stays_while_a_draft_shows_it(client: Client, address: str) -> None:
    """The class cannot be taken out until the draft is dropped; a draft without the class does not hinder."""
    pool_id = client.get(address).json()["pool_id"]
    other = f"/images/{put_photo(client, pool_id, 'b.jpg')['id']}"
    table = f"/pools/{pool_id}/class_table"
    client.patch(table, json={"append": [{"name": "sign"}]}).raise_for_status()
    client.put(f"{address}/draft", content=label_map(2)).raise_for_status()
    client.put(f"{other}/draft", content=label_map(1)).raise_for_status()
    refused = client.patch(table, json={"remove": ["sign"]})
    assert slug(refused) == "class-in-use"
    assert "unfinished label map of a.jpg" in refused.json()["detail"]
    client.delete(f"{address}/draft").raise_for_status()
    assert client.patch(table, json={"remove": ["sign"]}).status_code == 200
    assert [len(rows(client, at)) for at in (address, other)] == [0, 1]


def test_an_old_draft_goes(client: Client, address: str) -> None:
    """A draft that nobody has changed for the time of the setting is removed; others stay."""
    second = put_photo(client, new_pool(client), "b.jpg")["id"]
    old, fresh = (
        client.put(f"{at}/draft", content=label_map()).json() for at in (address, f"/images/{second}")
    )
    with client.service.database.write() as session:
        of_old = update(Draft).where(Draft.image_id == uuid.UUID(old["image_id"]))
        session.execute(of_old.values(updated_at=from_now(-3600)))
        assert drafts.count_old(session, 1800) == 1
        drafts.remove_old(session, 1800)
    assert (rows(client, address), rows(client, f"/images/{second}")) == ([], [fresh["sha256"]])


def test_the_time_that_people_worked_is_the_cost_of_an_image(client: Client, address: str) -> None:
    """Seconds sent with annotations are summed over the revisions of an image; the median image counts."""
    pool_id = client.get(address).json()["pool_id"]
    others = [f"/images/{put_photo(client, pool_id, name)['id']}" for name in ("b.jpg", "c.jpg", "d.jpg")]
    for at, seconds in zip([address, *others], (30, 90, 300, None), strict=True):
        params = {} if seconds is None else {"active_seconds": seconds}
        sent = client.put(f"{at}/annotation", content=label_map(), headers=ABSENT, params=params)
        assert sent.json()["active_seconds"] == seconds
    again = {"If-Match": '"1"'}
    client.put(f"{address}/annotation", content=label_map(0), headers=again, params={"active_seconds": 90})
    with client.service.database.read() as session:
        assert assignments.minutes_per_image(session, uuid.UUID(pool_id)) == 2
