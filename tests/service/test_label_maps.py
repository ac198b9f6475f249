"""Unpaired label maps: which files are accepted, and the sources they come from."""

import zlib

import pytest
from PIL import Image

from tests.service.serving import Client
from tests.service.steps import GREY, encoded, label_map, new_pool, photo, png, slug


def palette_png(bits: int) -> bytes:
    image = Image.new("P", (32, 24), 0)
    image.putpalette([128, 64, 128, 64, 0, 128])
    image.paste(1, (0, 0, 8, 8))
    return encoded(image, "PNG", bits=bits)


def grey_png(bits: int, value: int) -> bytes:
    """A PNG with one value in all pixels, several pixels per byte."""
    row = bytes([sum(value << shift for shift in range(0, 8, bits))]) * (32 * bits // 8)
    return png(32, 24, bits, GREY, zlib.compress((b"\0" + row) * 24))


GOOD_LABEL_MAPS = {
    "grey": label_map(1),
    "16 bits": encoded(Image.new("I;16", (32, 24), 1), "PNG"),
    "black and white": encoded(Image.new("1", (32, 24), 1), "PNG"),
    "grey of 4 bits": grey_png(4, 1),
    "grey of 2 bits": grey_png(2, 1),
    "palette": palette_png(8),
    "palette of 4 bits": palette_png(4),
    "palette of 1 bit": palette_png(1),
}


@pytest.mark.parametrize("kind", GOOD_LABEL_MAPS)
def test_a_label_map_of_any_single_channel_is_taken(client: Client, kind: str) -> None:
    """Grey, palette, 1-bit and 16-bit PNGs of known classes are accepted, and kept byte for byte as well."""
    pool_id = new_pool(client)
    address = f"/pools/{pool_id}/labels/é.png"
    made = client.put(address, content=GOOD_LABEL_MAPS[kind])
    assert made.status_code == 201, made.text
    assert client.put(address, content=GOOD_LABEL_MAPS[kind]).json() == made.json()
    assert slug(client.put(address, content=label_map(0))) == "name-taken"
    assert client.get(f"/pools/{pool_id}/labels").json() == {"items": [made.json()], "next": None}
    served = client.get(address, params={"original": 1})
    assert (served.content, served.headers["content-type"]) == (GOOD_LABEL_MAPS[kind], "image/png")
    same = {"If-None-Match": served.headers["etag"]}
    assert client.get(address, params={"original": 1}, headers=same).status_code == 304
    assert slug(client.get(f"/pools/{pool_id}/labels/none.png")) == "not-found"


@pytest.mark.parametrize(("bits", "value"), [(2, 3), (4, 15), (4, 2)])
def test_packed_class_ids_are_read_as_they_are_stored(client: Client, bits: int, value: int) -> None:
    """Pillow stretches 2- and 4-bit grey to 255, which could look like the ignore index; here 3 stays 3."""
    answer = client.put(f"/pools/{new_pool(client)}/labels/a.png", content=grey_png(bits, value))
    assert slug(answer) == "label-map-unknown-class"
    assert f"is {value}, and 100.0 % of the pixels" in answer.json()["detail"]


def test_an_rgb_pool_takes_images_as_label_maps(client: Client) -> None:
    """In an rgb pool a JPEG is accepted, as for photos, and transparency is refused."""
    pool_id = new_pool(client, "rgb")
    assert client.put(f"/pools/{pool_id}/labels/a.jpg", content=photo()).status_code == 201
    transparent = encoded(Image.new("RGBA", (8, 8)), "PNG")
    assert slug(client.put(f"/pools/{pool_id}/labels/b.png", content=transparent)) == "transparent-image"


def test_each_source_has_its_own_names(client: Client) -> None:
    """Two sources may have different files with one name; within a source a name is unique."""
    pool_id = new_pool(client)
    address = f"/pools/{pool_id}/labels/0000.png"
    near = client.put(f"{address}?source=near", content=label_map(0))
    far = client.put(f"{address}?source=far", content=label_map(1))
    assert (near.status_code, far.status_code) == (201, 201)
    assert (near.json()["source"], far.json()["source"]) == ("near", "far")
    assert client.put(f"{address}?source=far", content=label_map(1)).status_code == 200
    taken = client.put(f"{address}?source=far", content=label_map(0))
    assert (slug(taken), "far" in taken.json()["detail"]) == ("name-taken", True)
    assert client.get(f"{address}?source=near&original=1").content == label_map(0)
    assert client.get(f"{address}?source=far&original=1").content == label_map(1)
    assert slug(client.get(address)) == "not-found"


def test_sources_are_listed_and_counted(client: Client) -> None:
    """The default source is "upload"; the pool counts label maps by source and lists them by source."""
    pool_id = new_pool(client)
    assert client.get(f"/pools/{pool_id}").json()["counts"]["label_sources"] == {}
    client.put(f"/pools/{pool_id}/labels/a.png", content=label_map())
    for name in ("a.png", "b.png"):
        client.put(f"/pools/{pool_id}/labels/{name}", params={"source": "gta"}, content=label_map())
    counts = client.get(f"/pools/{pool_id}").json()["counts"]
    assert (counts["label_sources"], counts["unpaired_label_maps"]) == ({"gta": 2, "upload": 1}, 3)
    listed = client.get(f"/pools/{pool_id}/labels", params={"source": "gta"}).json()["items"]
    assert [(item["source"], item["name"]) for item in listed] == [("gta", "a.png"), ("gta", "b.png")]
    assert len(client.get(f"/pools/{pool_id}/labels").json()["items"]) == 3


@pytest.mark.parametrize("source", ["annotations", "", "a/b", "x" * 101])
def test_a_source_has_a_valid_name_other_than_annotations(client: Client, source: str) -> None:
    """`annotations`, which a training uses for the label maps of its pairs, is not a source of uploads."""
    pool_id = new_pool(client)
    refused = client.put(f"/pools/{pool_id}/labels/a.png", params={"source": source}, content=label_map())
    assert (refused.status_code, slug(refused)) == (422, "invalid-name")
    assert client.get(f"/pools/{pool_id}/labels").json()["items"] == []
