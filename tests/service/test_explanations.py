"""Explanations of selections: made once, with pictures and the images of each pick."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest

from service.explanations.schemas import Explained
from store import blobs, explanations, jobs
from store.clock import from_now
from store.explanations import Member
from store.tables import Assignment, Explanation, Selection, new_id
from tests import published
from tests.service.serving import Client
from tests.service.steps import embed, fail, new_pool, photo, put_photo, slug, succeed

MAP = b'{"points": []}'
COUNTS = (3, 1)
"""How many images each pick of the tests stands for."""


def photographed(client: Client) -> list[dict[str, Any]]:
    pool_id = new_pool(client)
    images = [put_photo(client, pool_id, f"{n}.jpg", photo(n)) for n in range(4)]
    embed(client, pool_id)
    return images


def selected(client: Client, images: list[dict[str, Any]]) -> str:
    pool_id = uuid.UUID(images[0]["pool_id"])
    with client.service.database.write() as session:
        job = jobs.create(session, client.service.settings, kind="select", pool_id=pool_id, spec={})
        selection = Selection(id=new_id(), pool_id=pool_id, job_id=job.id, document={"budget": 2})
        session.add(selection)
    return str(selection.id)


@pytest.fixture
def images(client: Client) -> list[dict[str, Any]]:
    """Four embedded photos; the first and the last are picked."""
    return photographed(client)


@pytest.fixture
def selection_id(client: Client, images: list[dict[str, Any]]) -> str:
    return selected(client, images)


def explained(client: Client, selection_id: str, images: list[dict[str, Any]]) -> dict[str, Any]:
    """End the selection's explain job as a worker would, and return the document."""
    job = client.get(f"/selections/{selection_id}/explanation").json()
    members = [Member(uuid.UUID(image["id"]), 0.5 * n) for n, image in enumerate(images)]
    point = {"mean_distance": 0.5, "random_mean": 0.75, "random_low": 0.7, "random_high": 0.8}
    document = {
        **{"selection_id": selection_id, "pool_id": images[0]["pool_id"], "budget": 2},
        **{"images": 4, "labelled": 0, "left_out": {"near_test": 0, "duplicates": 0}},
        "coverage": {"mean": 0.5, "maximum": 1.0, "within": 0.75, "delta": 0.6},
        "random": {"draws": 1000, "beaten": 0.9, "mean": 0.7, "low": 0.6, "high": 0.8, "images": 4},
        "curve": [{"budget": 1, **point}, {"budget": 2, **point}],
        "knee": {"budget": 1, "method": "kneedle"},
        "words": None,
        "picks": [
            {
                **{"rank": rank, "image_id": images[place]["id"], "name": images[place]["name"]},
                **{"count": count, "mean_distance": 0.5, "nearest": []},
            }
            for rank, (place, count) in enumerate(zip((0, 3), COUNTS, strict=True), start=1)
        ],
    }
    published.check(Explained, document)
    contents = {"map": [MAP], "map.png": [b"map"], "curve.png": [b"curve"]}
    contents["members"] = list(explanations.packed(members))
    files = {name: asdict(blobs.put(client.service.blobs, chunks)) for name, chunks in contents.items()}
    with client.service.database.write() as session:
        claim = jobs.claim(session, uuid.UUID(job["id"]), worker="test", lease_s=60)
        assert claim
        jobs.succeed(session, claim, {})
        row = Explanation(
            selection_id=uuid.UUID(selection_id), job_id=claim.job_id, document=document, files=files
        )
        session.add(row)
    return document


def test_an_explanation_is_made_once_for_a_selection(
    client: Client, selection_id: str, images: list[dict[str, Any]]
) -> None:
    """Every address answers 202 with the same job; then with the document, without a new job."""
    address = f"/selections/{selection_id}"
    whole = f"{address}/explanation"
    parts = [f"{address}/{part}" for part in ("map", "map.png", "curve.png", "picks/1/images")]
    waiting = [client.get(path) for path in (whole, *parts, whole)]
    assert [answer.status_code for answer in waiting] == [202] * 6
    assert len({answer.json()["id"] for answer in waiting}) == 1
    assert waiting[0].json()["kind"] == "explain"
    document = explained(client, selection_id, images)
    links = {"selection": address, "map": f"{address}/map"}
    links |= {"map_png": f"{address}/map.png", "curve_png": f"{address}/curve.png"}
    answer = client.get(whole)
    assert answer.status_code == 200
    curve = [{**point, "minutes": None} for point in document["curve"]]
    assert answer.json() == {**document, "cost": None, "curve": curve, "deleted": [], "links": links}
    pool = images[0]["pool_id"]
    assert len(client.get(f"/jobs?pool={pool}&kind=explain").json()["items"]) == 1


def test_concurrent_questions_share_one_job(client_of_each: Client) -> None:
    """Concurrent requests share one job, on SQLite and on PostgreSQL."""
    client = client_of_each
    address = f"/selections/{selected(client, photographed(client))}/explanation"
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(client.get, [address] * 24))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_an_unknown_selection_has_no_explanation(client: Client) -> None:
    """Every address answers 404 for an unknown selection."""
    for part in ("explanation", "map", "map.png", "curve.png", "picks/1/images"):
        assert slug(client.get(f"/selections/{uuid.uuid4()}/{part}")) == "not-found"


def test_a_failure_is_reported_and_then_the_explanation_is_made_again(
    client: Client, selection_id: str
) -> None:
    """After a 202, the next request says why the job failed; the one after that makes a new job."""
    ask = f"/selections/{selection_id}/explanation"
    first = client.get(ask).json()["id"]
    fail(client, first, "The disk is full.")
    told = client.get(ask)
    assert (slug(told), told.json()["job_id"]) == ("job-failed", first)
    assert "The disk is full." in told.json()["detail"]
    again = client.get(ask)
    assert (again.status_code, again.json()["id"] == first) == (202, False)


def test_pictures_and_map_are_returned_unchanged(
    client: Client, selection_id: str, images: list[dict[str, Any]]
) -> None:
    """The answers are the worker's bytes with their type. A browser asks whether they have changed, as they
    do after a photo was removed for good."""
    explained(client, selection_id, images)
    kept = {
        "map": (MAP, "application/json"),
        "map.png": (b"map", "image/png"),
        "curve.png": (b"curve", "image/png"),
    }
    for name, content in kept.items():
        answer = client.get(f"/selections/{selection_id}/{name}")
        assert (answer.content, answer.headers["content-type"]) == content
        assert answer.headers["cache-control"] == "no-cache"
        tag = {"If-None-Match": answer.headers["etag"]}
        assert client.get(f"/selections/{selection_id}/{name}", headers=tag).status_code == 304


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_the_images_of_a_pick_are_listed_in_pages(
    client: Client, selection_id: str, images: list[dict[str, Any]], limit: int
) -> None:
    """Each image of a pick is listed once, nearest first, without images of other picks; a rank beyond the
    picks is not found."""
    explained(client, selection_id, images)
    for rank, wanted in ((1, range(3)), (2, range(3, 4))):
        found: list[dict[str, Any]] = []
        params: dict[str, Any] = {"limit": limit}
        while True:
            page = client.get(f"/selections/{selection_id}/picks/{rank}/images", params=params).json()
            found += page["items"]
            assert 0 < len(page["items"]) <= limit
            if page["next"] is None:
                break
            params["cursor"] = page["next"]
        assert found == [
            {"image_id": images[n]["id"], "name": f"{n}.jpg", "distance": 0.5 * n} for n in wanted
        ]
    refused = client.get(f"/selections/{selection_id}/picks/3/images")
    assert slug(refused) == "not-found"
    assert "ranks 1 to 2:" in refused.json()["detail"]
    beyond = client.get(f"/selections/{selection_id}/picks/1/images?cursor=99").json()
    assert beyond == {"items": [], "next": None}


def test_deleted_images_are_named_and_not_listed(
    client: Client, selection_id: str, images: list[dict[str, Any]]
) -> None:
    """The explanation stays as it was made and says which images are deleted; the images that a pick stands
    for are those that are there."""
    before = explained(client, selection_id, images)
    client.delete(f"/images/{images[1]['id']}")
    document = client.get(f"/selections/{selection_id}/explanation").json()
    assert (document["deleted"], document["picks"]) == ([images[1]["id"]], before["picks"])
    listed = client.get(f"/selections/{selection_id}/picks/1/images").json()
    assert [item["image_id"] for item in listed["items"]] == [images[0]["id"], images[2]["id"]]


def labelled_in(client: Client, selection_id: str, image: dict[str, Any], minutes: float) -> None:
    """Assign an image and annotate it this many minutes later."""
    with client.service.database.write() as session:
        assignment = Assignment(
            **{"pool_id": uuid.UUID(image["pool_id"]), "selection_id": uuid.UUID(selection_id)},
            **{"image_id": uuid.UUID(image["id"]), "rank": 1, "state": "annotated"},
            annotator=f"in {minutes} minutes",
            lease_expires_at=from_now(3600),
        )
        session.add(assignment)
        session.flush()
        session.refresh(assignment)
        assignment.ended_at = assignment.created_at + timedelta(minutes=minutes)


def test_costs_are_shown_once_labelling_times_are_known(
    client: Client, selection_id: str, images: list[dict[str, Any]]
) -> None:
    """Costs use the median time from assignment to annotation, also in an explanation made before."""
    explained(client, selection_id, images)
    assert client.get(f"/selections/{selection_id}/explanation").json()["cost"] is None
    labelled_in(client, selection_id, images[0], minutes=12)
    explanation = client.get(f"/selections/{selection_id}/explanation").json()
    assert explanation["cost"] == pytest.approx(
        {"minutes_per_image": 12, "minutes": 24, "minutes_to_knee": 12}
    )
    assert [point["minutes"] for point in explanation["curve"]] == pytest.approx([12, 24])


def test_the_curve_is_drawn_again_with_labelling_times(
    client: Client, selection_id: str, images: list[dict[str, Any]]
) -> None:
    """The curve is drawn once for each time, rounded to two digits; until then it has no costs."""
    explained(client, selection_id, images)
    ask = f"/selections/{selection_id}/curve.png"
    plain = client.get(ask)
    assert (plain.content, plain.headers["cache-control"]) == (b"curve", "no-cache")
    drawn: list[str] = []
    for minutes in (12, 12.04, 30, 40):
        labelled_in(client, selection_id, images[0], minutes)
        asked = client.get(ask)
        if asked.status_code == 202:
            drawn.append(asked.json()["id"])
            blob = blobs.put(client.service.blobs, [b"curve of %d" % len(drawn)])
            succeed(client, drawn[-1], {"curve": {"sha256": blob.sha256, "size": blob.size}})
        assert client.get(ask).content == b"curve of %d" % len(drawn)
    with client.service.database.read() as session:
        specs = [jobs.get(session, uuid.UUID(job_id)) for job_id in drawn]
    assert [job.spec["minutes_per_image"] for job in specs if job] == [12, 21]
