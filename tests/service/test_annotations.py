"""Annotations: revisions, ETags, and annotators who send at the same time."""

import io
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from tests.access import key_of
from tests.service.serving import Client
from tests.service.steps import ABSENT, label_map, new_pool, photo, put_photo, slug


def test_revisions_are_kept_and_the_newest_counts(client: Client) -> None:
    """Each PUT adds a revision whose number is the ETag; the bytes of every revision can be read back."""
    image = put_photo(client, new_pool(client), "a.jpg")
    address = f"/images/{image['id']}/annotation"
    assert slug(client.get(address)) == "not-found"
    first = client.put(address, content=label_map(0), headers=ABSENT)
    assert (first.status_code, first.headers["etag"], first.json()["revision"]) == (201, '"1"', 1)
    second = client.put(address, content=label_map(1), headers={"If-Match": first.headers["etag"]})
    assert (second.status_code, second.headers["etag"], second.json()["revision"]) == (200, '"2"', 2)
    newest = client.get(address, params={"original": 1})
    assert (newest.content, newest.headers["etag"]) == (label_map(1), '"2"')
    assert client.get(address, headers={"If-None-Match": '"2"'}).status_code == 304
    assert client.get(address, params={"revision": 1, "original": 1}).content == label_map(0)
    assert slug(client.get(address, params={"revision": 3})) == "not-found"


def test_revisions_are_listed(client: Client) -> None:
    """Newest first, with who made each, when, and its pixels by class; a withdrawal is a revision too."""
    image = put_photo(client, new_pool(client), "a.jpg")
    address = f"/images/{image['id']}/annotation"
    client.put(address, content=label_map(0), headers=ABSENT)
    bob = key_of(client.service, "bob")
    client.put(address, content=label_map(1), headers={"If-Match": '"1"', **bob})
    client.delete(address, headers={"If-Match": '"2"'})

    pages = client.get(f"{address}/revisions", params={"limit": 2}).json()
    rest = client.get(f"{address}/revisions", params={"cursor": pages["next"]}).json()["items"]
    found = pages["items"] + rest
    assert [(each["revision"], each["by"], each["withdrawn"]) for each in found] == [
        (3, "admin", True),
        (2, "bob", False),
        (1, "admin", False),
    ]
    assert all(sum(each["pixels"].values()) == image["width"] * image["height"] for each in found)
    assert found[1]["pixels"] != found[2]["pixels"]


def test_an_rgb_pool_takes_an_image_of_the_photos_size(client: Client) -> None:
    """In an rgb pool any RGB image is an annotation; only its size is checked."""
    image = put_photo(client, new_pool(client, "rgb"), "a.jpg", photo(1))
    address = f"/images/{image['id']}/annotation"
    wrong = client.put(address, content=photo(2, size=(24, 24)), headers=ABSENT)
    assert slug(wrong) == "label-map-size"
    assert client.put(address, content=photo(2), headers=ABSENT).status_code == 201
    assert client.get(address).headers["content-type"] == "image/jpeg"


def test_one_of_two_racing_annotators_wins(client_of_each: Client) -> None:
    """If several PUTs replace one revision at the same time, exactly one succeeds; the others get 412."""
    client = client_of_each
    pool_id = new_pool(client)
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        address = f"/images/{put_photo(client, pool_id, name)['id']}/annotation"

        def put(value: int, headers: dict[str, str], address: str = address) -> int:
            return client.put(address, content=label_map(value), headers=headers).status_code

        for headers, won in ((ABSENT, 201), ({"If-Match": '"1"'}, 200), ({"If-Match": '"2"'}, 200)):
            with ThreadPoolExecutor(6) as pool:
                answers = list(pool.map(put, [0, 1, 0] * 2, [headers] * 6))
            assert sorted(answers) == [won] + [412] * 5
        assert client.get(address).headers["etag"] == '"3"'


def test_a_palette_of_positions_is_read_whatever_ids_the_classes_have(client: Client) -> None:
    """What the painter sends, positions under the classes' colours with transparent unlabelled pixels, has
    one meaning: with ids beyond 255 and in another order, and where the classes are black and white.
    """
    tables = (
        [{"name": "a", "id": 300, "color": [200, 0, 0]}, {"name": "b", "id": 0, "color": [0, 200, 0]}],
        [{"name": "a", "color": [0, 0, 0]}, {"name": "b", "color": [255, 255, 255]}],
    )
    for number, classes in enumerate(tables):
        table = {"classes": classes}
        pool = client.post("/pools", json={"name": f"painted {number}", "class_table": table}).json()
        image = put_photo(client, pool["id"], "1.jpg", photo(1))
        painted = Image.new("P", (image["width"], image["height"]), 255)
        painted.putpalette([channel for each in classes for channel in each["color"]] + [0] * 762)
        painted.paste(0, (0, 0, image["width"], 2))
        content = io.BytesIO()
        painted.save(content, "PNG", transparency=bytes([255] * 255 + [0]))
        address, once = f"/images/{image['id']}/annotation", {"If-None-Match": "*"}
        answer = client.put(address, content=content.getvalue(), headers=once)
        assert (answer.status_code, answer.json()["pixels"]) == (201, {"a": 2 * image["width"], "b": 0})
