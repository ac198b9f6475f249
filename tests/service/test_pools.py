"""Pools."""

from pathlib import Path

import pytest
from PIL import Image

from store.settings import Settings
from tests.access import key_of
from tests.conftest import NO_BROKER
from tests.service.serving import Client, serve
from tests.service.steps import CLASSES, annotate, embed, encoded, label_map, new_pool, photo, put_photo, slug


def test_a_pool_keeps_its_class_table_and_encoder(client: Client) -> None:
    """Class table and encoder come back as they were sent; the default encoder is the server's."""
    made = client.post(
        "/pools", json={"name": "kept", "class_table": CLASSES, "encoder": "efficientnet_lite0"}
    )
    assert made.status_code == 201
    pool = client.get(made.headers["location"]).json()
    assert (pool["name"], pool["class_table"], pool["encoder"]) == ("kept", CLASSES, "efficientnet_lite0")
    rgb = client.get(f"/pools/{new_pool(client, 'rgb')}").json()
    assert (rgb["class_table"], rgb["encoder"]) == ("rgb", "resnet50")


@pytest.mark.parametrize("encoder", ["timm:resnet18.a1_in1k", "onnx:my-encoder.v2.onnx"])
def test_another_encoder_is_for_administrators(client: Client, encoder: str) -> None:
    """The name of a timm network, or of a file on the workers, is kept as an administrator sent it; from
    others it is refused, with the names that they may give, and no pool is made."""
    pool = {"name": encoder, "class_table": "rgb", "encoder": encoder}
    refused = client.post("/pools", json=pool, headers=key_of(client.service, "plain", admin=False))
    assert (refused.status_code, slug(refused), refused.json()["needs"]) == (403, "forbidden", "admin")
    assert "ask one, or give resnet50, " in refused.json()["detail"]
    assert client.get("/pools", params={"name": encoder}).json()["items"] == []
    made = client.post("/pools", json=pool)
    assert made.status_code == 201
    assert made.json()["encoder"] == encoder


def test_everybody_may_have_the_encoders_of_the_server(tmp_path: Path) -> None:
    """Those that the project names, and the one of the settings, named or not, whatever it is."""
    ours = "onnx:ours.onnx"
    with serve(Settings(data_dir=tmp_path, broker_url=NO_BROKER, encoder=ours)) as client:
        client.headers.update(key_of(client.service, "plain", admin=False))
        for number, encoder in enumerate([None, ours, "resnet50", "efficientnet_lite2"]):
            made = client.post("/pools", json={"name": f"{number}", "class_table": "rgb", "encoder": encoder})
            assert (made.status_code, made.json()["encoder"]) == (201, encoder or ours)


@pytest.mark.parametrize(
    "encoder",
    [
        *("vgg16", "", "timm:", "timm:hf_hub:someone/net", "timm:local-dir:/etc", "onnx:net", "onnx:.onnx"),
        *("onnx:../net.onnx", "onnx:/etc/net.onnx", "onnx:a/b.onnx", "onnx:a\\b.onnx", "onnx:net.onnx\n"),
        *("onnx:.net.onnx", f"onnx:{'a' * 100}.onnx"),
    ],
)
def test_an_invalid_encoder_is_refused(client: Client, encoder: str) -> None:
    """An invalid name, above all a path out of the workers' folder, gets a 422 that lists the valid names."""
    refused = client.post("/pools", json={"name": "refused", "class_table": "rgb", "encoder": encoder})
    assert refused.status_code == 422
    assert refused.json()["type"] == "/problems/validation"
    assert "body.encoder: There is no such encoder: give resnet50, " in refused.json()["detail"]


def test_a_pool_may_name_its_default_strategy(client: Client) -> None:
    """A pool keeps the strategy that it was made with; without one it is the paper's; others are refused."""
    body = {"name": "by facility", "class_table": "rgb", "default_strategy": "facility"}
    made = client.post("/pools", json=body).json()
    assert client.get(f"/pools/{made['id']}").json()["default_strategy"] == "facility"
    assert client.get(f"/pools/{new_pool(client)}").json()["default_strategy"] == "kmedoids"
    refused = client.post("/pools", json=body | {"name": "by magic", "default_strategy": "magic"})
    assert refused.status_code == 422
    assert "body.default_strategy" in refused.json()["detail"]


def test_a_pool_is_found_by_its_name_in_any_spelling(client: Client) -> None:
    """The filter is exact, and the forms NFC and NFD are one name."""
    client.post("/pools", json={"name": "Z\u00fcrich", "class_table": "rgb"})
    client.post("/pools", json={"name": "Z\u00fcrich 2", "class_table": "rgb"})
    found = client.get("/pools", params={"name": "Zu\u0308rich"}).json()["items"]
    assert [pool["name"] for pool in found] == ["Z\u00fcrich"]


@pytest.mark.parametrize(("limit", "sort"), [(1, "added"), (2, "-added"), (1000, "added")])
def test_pages_hold_every_pool_once(client: Client, limit: int, sort: str) -> None:
    """Following `next` lists all pools, oldest first or newest first, with any page size."""
    made = [new_pool(client) for _ in range(3)]
    seen, cursor = [], None
    while True:
        params = {"limit": limit, "sort": sort} | ({"cursor": cursor} if cursor else {})
        page = client.get("/pools", params=params)
        seen += [pool["id"] for pool in page.json()["items"]]
        assert len(page.json()["items"]) <= limit
        cursor = page.json()["next"]
        if not cursor:
            break
    assert (seen if sort == "added" else seen[::-1])[-3:] == made
    assert len(set(seen)) == len(seen)


def test_counts_are_by_split_and_count_an_image_once(client: Client) -> None:
    """Several revisions of one annotation count as one annotated image; label maps are counted separately."""
    pool_id = new_pool(client)
    images = [put_photo(client, pool_id, f"{n}.jpg", photo(n)) for n in range(3)]
    put_photo(client, pool_id, "t.jpg", photo(9), split="test")
    embed(client, pool_id)
    put_photo(client, pool_id, "late.jpg", photo(10))
    annotate(client, images[0]["id"])
    client.put(f"/images/{images[0]['id']}/annotation", content=label_map(0), headers={"If-Match": '"1"'})
    client.put(f"/pools/{pool_id}/labels/a.png", content=label_map())
    labelled = {
        "label_maps": 1,
        "unlabelled": 0,
        "classes": [
            {"name": "road", "pixels": 32 * 24, "label_maps": 1},
            {"name": "car", "pixels": 0, "label_maps": 0},
        ],
    }
    assert client.get(f"/pools/{pool_id}").json()["counts"] == {
        "images": 5,
        "embedded": 4,
        "annotated": 1,
        "excluded": 0,
        "unpaired_label_maps": 1,
        "label_sources": {"upload": 1},
        "train": {"images": 4, "embedded": 3, "annotated": 1},
        "test": {"images": 1, "embedded": 1, "annotated": 0},
        "labelled": labelled,
        "labelled_train": labelled,
    }


def test_the_pixels_of_each_class_are_those_of_the_newest_annotations(client: Client) -> None:
    """Of two photos, one with a second revision, the newest label maps of both count, and in an rgb pool
    there is nothing to count."""
    pool_id = new_pool(client)
    first, second = (put_photo(client, pool_id, f"{n}.jpg", photo(n)) for n in range(2))
    annotate(client, first["id"], label_map(0))
    annotate(client, second["id"], label_map(1))
    replaced = {"If-Match": '"1"'}
    drawn = Image.frombytes("L", (32, 24), bytes([1, 255] * 384))
    client.put(f"/images/{first['id']}/annotation", content=encoded(drawn, "PNG"), headers=replaced)
    assert client.get(f"/pools/{pool_id}").json()["counts"]["labelled"] == {
        "label_maps": 2,
        "unlabelled": 384,
        "classes": [
            {"name": "road", "pixels": 32 * 24 - 64, "label_maps": 1},
            {"name": "car", "pixels": 384 + 64, "label_maps": 2},
        ],
    }
    [listed] = [pool for pool in client.get("/pools?limit=1000").json()["items"] if pool["id"] == pool_id]
    assert listed["counts"]["labelled"]["unlabelled"] == 384
    rgb = client.get(f"/pools/{new_pool(client, 'rgb')}").json()
    assert rgb["counts"]["labelled"] is None
