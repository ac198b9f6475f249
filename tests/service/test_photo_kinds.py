"""Photos of many kinds: what is taken is upright and in the right colours for everybody."""

import io

import numpy as np
import pytest
from PIL import Image

from tests import photo_kinds as kinds
from tests.service.serving import Client
from tests.service.steps import ABSENT, everything, label_map, new_pool, put_photo, slug

SIZE = (kinds.WIDTH, kinds.HEIGHT)
MIDDLES = tuple(
    np.array([(kinds.HEIGHT * y // 4, kinds.WIDTH * x // 4) for y in (1, 3) for x in (1, 3)]).T.tolist()
)


def test_photos_are_taken_as_they_are_seen(client: Client) -> None:
    """The record has the size of the upright photo, and the thumbnail is upright and in its colours. The
    bytes are kept as they were sent.
    """
    pool_id = new_pool(client)
    for name, make in kinds.TAKEN.items():
        kind = make()
        image = put_photo(client, pool_id, name, kind.content)
        assert (image["width"], image["height"], image["media_type"]) == (*SIZE, kind.media_type), name
        assert client.get(f"/images/{image['id']}/content").content == kind.content
        thumbnail = Image.open(io.BytesIO(client.get(f"/images/{image['id']}/thumbnail").content))
        assert thumbnail.size == SIZE, name
        difference = np.asarray(thumbnail).astype(int)[MIDDLES] - kinds.seen()[MIDDLES]
        assert np.abs(difference).max() <= kind.tolerance + 6, name


def test_what_is_no_photo_is_refused_with_what_to_do(client: Client) -> None:
    """The answer names what the file is and how to convert it; nothing is kept. Sent to a pool of images as a
    label map, it is refused as well.
    """
    pool_id = new_pool(client, "rgb")
    before = everything(client, pool_id)
    for name, make in kinds.REFUSED.items():
        kind = make()
        for address in ("images/a.jpg", "labels/a.jpg"):
            refused = client.put(f"/pools/{pool_id}/{address}", content=kind.content)
            assert (refused.status_code, slug(refused)) == (422, kind.problem), (name, refused.text)
            assert [word for word in kind.words if word not in refused.json()["detail"]] == [], name
    assert everything(client, pool_id) == before


@pytest.mark.parametrize("orientation", range(5, 9))
def test_a_label_map_has_the_size_of_the_upright_photo(client: Client, orientation: int) -> None:
    """A map of the stored size is refused with both sizes and why; one of the size that is seen is taken."""
    image = put_photo(client, new_pool(client), "photo", kinds.turned(orientation, "JPEG"))
    address = f"/images/{image['id']}/annotation"
    refused = client.put(address, content=label_map(size=SIZE[::-1]), headers=ABSENT)
    assert slug(refused) == "label-map-size"
    words = ("32×48", "48×32", "EXIF", "upright")
    assert [word for word in words if word not in refused.json()["detail"]] == []
    assert client.put(address, content=label_map(size=SIZE), headers=ABSENT).status_code == 201


def test_an_image_as_a_label_map_is_turned_too(client: Client) -> None:
    """In a pool of images a target has the size that is seen, as its photo does."""
    photo = put_photo(client, new_pool(client, "rgb"), "photo", kinds.turned(8))
    for name in ("turned 6, TIFF", "turned 8, AVIF", "turned 5, PNG"):
        target = kinds.TAKEN[name]().content
        made = client.put(f"/pools/{photo['pool_id']}/labels/{name}", content=target)
        assert (made.json()["width"], made.json()["height"]) == SIZE
    made = client.put(f"/images/{photo['id']}/annotation", content=target, headers=ABSENT)
    assert made.status_code == 201, made.text
