"""Small pictures of label maps."""

import io
from typing import Any

import numpy as np
from PIL import Image

from tests.service.serving import Client
from tests.service.steps import annotate, encoded, new_pool, photo, put_photo, slug

SIDE = 64


def small(client: Client, address: str, **headers: str) -> Any:
    return client.get(f"{address}/thumbnail", params={"size": SIDE}, headers=headers)


def pixels(content: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def test_a_label_map_is_shown_small_in_the_colours_of_today(client: Client) -> None:
    """Each pixel has the colour of a class or of unlabelled pixels: that of the pixel of the label map at its
    middle. After a class is recoloured the picture has another tag, and the new colour.
    """
    pool_id = new_pool(client)
    image = put_photo(client, pool_id, "a.png", photo(1, "PNG", (128, 96)))
    drawn = np.random.default_rng(0).choice(np.array([0, 1, 255], np.uint8), (96, 128))
    annotate(client, image["id"], encoded(Image.fromarray(drawn), "PNG"))
    address = f"/images/{image['id']}/annotation"
    first = small(client, address)
    assert first.headers["content-type"] == "image/png"
    colors = np.zeros((256, 3), np.uint8)
    colors[0], colors[1] = (128, 64, 128), (64, 0, 128)
    assert np.array_equal(pixels(first.content), colors[drawn[1::2, 1::2]])
    assert small(client, address).content == first.content
    tag = first.headers["etag"]
    assert small(client, address, **{"If-None-Match": tag}).status_code == 304
    change = {"change": {"car": {"color": [1, 2, 3]}}}
    client.patch(f"/pools/{pool_id}/class_table", json=change).raise_for_status()
    colors[1] = 1, 2, 3
    second = small(client, address, **{"If-None-Match": tag})
    assert np.array_equal(pixels(second.content), colors[drawn[1::2, 1::2]])


def test_an_rgb_label_map_is_shown_small(client: Client) -> None:
    """A picture of one colour stays of this colour."""
    image = put_photo(client, new_pool(client, "rgb"), "a.png", photo(1, "PNG", (128, 96)))
    annotate(client, image["id"], encoded(Image.new("RGB", (128, 96), (10, 200, 30)), "PNG"))
    shown = pixels(small(client, f"/images/{image['id']}/annotation").content)
    assert shown.shape == (48, 64, 3)
    assert (shown == (10, 200, 30)).all()


def test_a_photo_without_a_label_map_has_no_picture_of_it(client: Client) -> None:
    """As the label map itself."""
    image = put_photo(client, new_pool(client), "a.jpg")
    assert slug(small(client, f"/images/{image['id']}/annotation")) == "not-found"
