"""Files of many kinds as label maps: what counts is one class per pixel, and what was sent is kept."""

import io

import numpy as np
import pytest
from PIL import Image

from tests import label_map_kinds as kinds
from tests.service.serving import Client
from tests.service.steps import ABSENT, everything, new_pool, photo, put_photo, slug

FIELD, BARN, *_ = kinds.FARM["classes"]
SIZE = (kinds.WIDTH, kinds.HEIGHT)


@pytest.mark.parametrize("name", kinds.TAKEN)
def test_what_counts_is_one_class_per_pixel(client: Client, name: str) -> None:
    """The answer to GET is an 8-bit PNG of the positions meant, and means the same when it is sent; the bytes
    sent are at ?original=1; the answer to PUT counts the pixels of each class. Paired and unpaired label maps
    are read alike.
    """
    kind = kinds.TAKEN[name]()
    pool_id = new_pool(client, kind.table)
    image = put_photo(client, pool_id, "a.jpg", photo(1, size=SIZE))
    for address, headers in (
        (f"/images/{image['id']}/annotation", ABSENT),
        (f"/pools/{pool_id}/labels/a.png", {}),
    ):
        made = client.put(address, content=kind.content, headers=headers)
        assert made.status_code == 201, made.text
        content = client.get(address).content
        counted = Image.open(io.BytesIO(content))
        assert (counted.mode, counted.format) == ("P", "PNG")
        assert np.array_equal(np.asarray(counted), kind.ids)
        again = client.put(f"/pools/{pool_id}/labels/again.png", content=content)
        assert again.json()["sha256"] == made.json()["sha256"]
        assert client.get(address, params={"original": 1}).content == kind.content
        expected = [int((kind.ids == place).sum()) for place in range(len(kind.table["classes"]))]
        answer = made.json()
        assert list(answer["pixels"].values()) == expected
        assert list(answer["pixels"]) == [entry["name"] for entry in kind.table["classes"]]
        assert answer["unlabelled"] == kind.ids.size - sum(expected)


@pytest.mark.parametrize("name", kinds.REFUSED)
def test_what_is_not_exact_is_refused_with_the_reason(client: Client, name: str) -> None:
    """The answer names the first pixel in question, its value, and what to do; nothing is kept."""
    kind = kinds.REFUSED[name]()
    pool_id = new_pool(client, kind.table)
    image = put_photo(client, pool_id, "a.jpg", photo(1, size=SIZE))
    before = everything(client, pool_id)
    refused = client.put(f"/images/{image['id']}/annotation", content=kind.content, headers=ABSENT)
    assert (refused.status_code, slug(refused)) == (422, kind.problem)
    assert [word for word in kind.words if word not in refused.json()["detail"]] == []
    assert kind.pixel in (None, refused.json().get("pixel"))
    assert everything(client, pool_id) == before


def test_the_same_label_map_in_another_file_is_the_same(client: Client) -> None:
    """Numbers and colours of one label map have one digest; a name may be sent again in either form."""
    pool_id = new_pool(client, kinds.FARM)
    address = f"/pools/{pool_id}/labels/a.png"
    numbers, colors = (kinds.TAKEN[name]().content for name in ("numbers in grey", "colours in a BMP"))
    first = client.put(address, content=numbers)
    again = client.put(address, content=colors)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ignore_color": list(kinds.BARN)}, ["ignore_color", "barn"]),
        ({"ignore_ids": [2]}, ["2 would be pond and unlabelled pixels"]),
        (
            {"classes": [kinds.FARM["classes"][0], kinds.FARM["classes"][1] | {"id": 0}]},
            ["0 would be barn and field"],
        ),
        ({"classes": [kinds.FARM["classes"][0] | {"id": 255}]}, ["255 would be field and unlabelled pixels"]),
    ],
)
def test_numbers_and_colours_of_files_mean_one_thing(
    client: Client, change: dict[str, object], words: list[str]
) -> None:
    """A class table in which a number or a colour of files would mean two things is refused."""
    refused = client.post("/pools", json={"name": "two meanings", "class_table": kinds.FARM | change})
    assert slug(refused) == "invalid-class-table"
    assert [word for word in words if word not in refused.json()["detail"]] == []
