"""Lists in an order, filtered, counted, and read from the middle."""

import uuid
from typing import Any

import pytest

from store import uncertainties
from tests.service.serving import Client
from tests.service.steps import add_model, annotate, embed, new_pool, photo, put_photo, slug

NAMES = ["b/2.jpg", "A/10.jpg", "b/1.jpg", "c_%.jpg", "a/9.jpg"]
SIDES = [40, 32, 48, 32, 40]
SCORES = [0.5, 0.25, 0.75, 0.5, 0.125]


@pytest.fixture(scope="module")
def pool(client: Client) -> tuple[str, list[dict[str, Any]]]:
    """A pool with five photos, the second annotated, and a model that has judged all of them."""
    pool_id = new_pool(client)
    images = [
        put_photo(client, pool_id, name.replace("%", "%25"), photo(n, size=(SIDES[n], 24)))
        for n, name in enumerate(NAMES)
    ]
    embed(client, pool_id)
    annotate(client, images[1]["id"])
    model_id = add_model(client, pool_id)
    with client.service.database.write() as session:
        scores = {uuid.UUID(image["id"]): score for image, score in zip(images, SCORES, strict=True)}
        uncertainties.add(session, uuid.UUID(model_id), scores)
    return model_id, images


def ask(client: Client, pool: tuple[str, list[dict[str, Any]]], **params: Any) -> dict[str, Any]:
    answer = client.get(f"/pools/{pool[1][0]['pool_id']}/images", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


ORDERS: dict[str, Any] = {
    "added": lambda n: n,
    "name": lambda n: NAMES[n],
    "pixels": lambda n: (SIDES[n] * 24, n),
    "uncertainty": lambda n: (SCORES[n], n),
}


@pytest.mark.parametrize("sort", [*ORDERS, *(f"-{key}" for key in ORDERS)])
def test_pages_follow_each_other_in_every_order(
    client: Client, pool: tuple[str, list[dict[str, Any]]], sort: str
) -> None:
    """Pages by cursor, and pages by the number of photos before them, give the list in its order."""
    expected = [
        NAMES[n] for n in sorted(range(5), key=ORDERS[sort.lstrip("-")], reverse=sort.startswith("-"))
    ]
    options = {"sort": sort, "limit": 2} | ({"model": pool[0]} if "uncertainty" in sort else {})
    by_cursor: list[str] = []
    cursor = {}
    while True:
        page = ask(client, pool, **options, **cursor)
        by_cursor += [image["name"] for image in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert by_cursor == expected
    jumped = [
        image["name"] for skip in (0, 2, 4) for image in ask(client, pool, **options, skip=skip)["items"]
    ]
    assert jumped == expected


def test_lists_are_filtered_and_counted(client: Client, pool: tuple[str, list[dict[str, Any]]]) -> None:
    """Each filter keeps the photos that it names, and the total counts those of all pages."""
    model_id, images = pool
    who = client.get("/me").json()["name"]
    cases: list[tuple[dict[str, Any], list[int]]] = [
        ({"contains": "a/"}, [1, 4]),
        ({"contains": "_%"}, [3]),
        ({"contains": "%.j"}, [3]),
        ({"annotated": True}, [1]),
        ({"annotated_by": who}, [1]),
        ({"annotated_by": "nobody"}, []),
        ({"failed": True}, []),
        ({"excluded": False}, [0, 1, 2, 3, 4]),
        ({"id": [images[2]["id"], images[0]["id"]]}, [0, 2]),
        ({"model": model_id}, [0, 1, 2, 3, 4]),
    ]
    for options, rows in cases:
        page = ask(client, pool, **options, total=True, limit=1)
        assert (options, page["total"]) == (options, len(rows))
        every = ask(client, pool, **options)
        assert [image["name"] for image in every["items"]] == [NAMES[row] for row in rows]
        assert every["total"] is None


def test_a_list_for_a_model_tells_how_unsure_it_is(
    client: Client, pool: tuple[str, list[dict[str, Any]]]
) -> None:
    """Of each photo; without a model nothing is told."""
    scores = [image["uncertainty"] for image in ask(client, pool, model=pool[0])["items"]]
    assert scores == SCORES
    assert {image["uncertainty"] for image in ask(client, pool)["items"]} == {None}


def test_a_list_that_cannot_be_is_refused(client: Client, pool: tuple[str, list[dict[str, Any]]]) -> None:
    """An order by the doubts of no model, and a cursor of another order."""
    address = f"/pools/{pool[1][0]['pool_id']}/images"
    by_name = ask(client, pool, sort="name", limit=1)["next"]
    for params in ({"sort": "uncertainty"}, {"cursor": by_name}, {"sort": "-name", "cursor": by_name}):
        assert slug(client.get(address, params=params)) == "bad-request"
    assert slug(client.get(address, params={"model": str(uuid.uuid4())})) == "not-found"


def test_pools_are_found_by_a_part_of_their_names(client: Client) -> None:
    """And counted, however many are on the page."""
    made = uuid.uuid4().hex
    for name in (f"Day {made} A", f"day {made} b", made[::-1]):
        client.post("/pools", json={"name": name, "class_table": "rgb"}).raise_for_status()
    params = {"contains": f"DAY {made}", "total": True, "limit": 1}
    page = client.get("/pools", params=params).json()
    assert ([pool["name"] for pool in page["items"]], page["total"]) == ([f"Day {made} A"], 2)
    rest = client.get("/pools", params=params | {"cursor": page["next"]}).json()
    assert [pool["name"] for pool in rest["items"]] == [f"day {made} b"]


def test_models_and_jobs_are_ordered_searched_and_counted(client: Client) -> None:
    """As photos and pools are; jobs also by the pool's name, however it is written."""
    pool_id = new_pool(client)
    annotate(client, put_photo(client, pool_id, "a.jpg")["id"])
    made = [add_model(client, pool_id, method) for method in ("hybrid", "pix2pix", "hybrid")]

    def ids(address: str, **params: Any) -> tuple[list[str], int]:
        page = client.get(address, params={"total": True, **params}).json()
        return [item["id"] for item in page["items"]], page["total"]

    models, pool = f"/pools/{pool_id}/models", client.get(f"/pools/{pool_id}").json()["name"]
    assert ids(models, limit=1) == ([made[2]], 3)
    assert ids(models, sort="method") == ([made[0], made[2], made[1]], 3)
    assert ids(models, contains="HYB", sort="added") == ([made[0], made[2]], 2)
    trained, _ = ids("/jobs", pool=pool_id, kind="train", sort="added")
    assert ids("/jobs", pool=pool_id, kind="train", contains="pix", limit=1) == ([trained[1]], 1)
    assert ids("/jobs", contains=pool.upper(), sort="-kind", limit=3) == (trained[::-1], 4)
