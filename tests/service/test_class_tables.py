"""Class tables: chosen colours, known tables, what is refused and where, and changes later."""

import io
import uuid
from itertools import combinations
from typing import Any

import pytest
from PIL import Image

from tests.service.serving import Client
from tests.service.steps import ABSENT, annotate, encoded, label_map, new_pool, photo, put_photo, slug

NAMES = ("road", "car", "tree", "sky", "person", "sign", "fence", "pole")


def classes_of(client: Client, class_table: Any) -> list[dict[str, Any]]:
    pool = client.get(f"/pools/{new_pool(client, class_table)}").json()
    return list(pool["class_table"]["classes"])


def least_distance(classes: list[dict[str, Any]]) -> float:
    return min(
        sum((a - b) ** 2 for a, b in zip(one["color"], other["color"], strict=True)) ** 0.5
        for one, other in combinations(classes, 2)
    )


@pytest.mark.parametrize("count", [2, 8, 60])
def test_colours_that_are_left_out_are_chosen_far_apart(client: Client, count: int) -> None:
    """They are at least 60 apart and the same each time, and none is black, which unlabelled pixels have, or
    nearly grey, as streets are.
    """
    table = {"classes": [{"name": f"class {n}"} for n in range(count)]}
    chosen = classes_of(client, table)
    assert least_distance(chosen) >= 60
    assert classes_of(client, table) == chosen
    assert min(max(entry["color"]) - min(entry["color"]) for entry in chosen) >= 60


def test_chosen_colours_keep_away_from_given_ones(client: Client) -> None:
    """A colour that the table gives, also the one of unlabelled pixels, stays, and the others keep away."""
    given = {"name": "grass", "color": [255, 255, 255]}
    table = {"ignore_color": [0, 255, 255], "classes": [given, *({"name": name} for name in NAMES)]}
    chosen = classes_of(client, table)
    assert chosen[0] == given
    assert least_distance([*chosen, {"color": [0, 255, 255]}]) >= 60


@pytest.mark.parametrize(
    ("name", "count", "some"),
    [
        ("voc", 21, {"background": [0, 0, 0], "person": [192, 128, 128], "tvmonitor": [0, 64, 128]}),
        ("cityscapes", 19, {"road": [128, 64, 128], "bicycle": [119, 11, 32]}),
        ("camvid", 11, {"Sky": [128, 128, 128], "Bicyclist": [0, 128, 192]}),
        ("camvid32", 31, {"Animal": [64, 128, 64], "Wall": [64, 192, 0]}),
        ("ade20k", 150, {}),
        ("coco-stuff", 171, {}),
    ],
)
def test_known_tables_have_their_names(
    client: Client, name: str, count: int, some: dict[str, list[int]]
) -> None:
    """A word stands for a public data set's classes, in the colours of its files; all colours differ."""
    classes = classes_of(client, name)
    assert len(classes) == count
    colors = {entry["name"]: entry["color"] for entry in classes}
    assert {name: colors[name] for name in some} == some
    assert least_distance(classes) >= 20


def test_known_tables_are_listed_with_their_classes(client: Client) -> None:
    """So that whoever chooses one sees what it holds: the classes that a pool then has."""
    tables = client.get("/class_tables").json()
    assert tables["voc"]["classes"] == classes_of(client, "voc")
    assert {name: len(table["classes"]) for name, table in tables.items()} == {
        **{"cityscapes": 19, "camvid": 11, "camvid32": 31, "scenes": 8, "voc": 21},
        **{"ade20k": 150, "coco-stuff": 171},
    }


@pytest.mark.parametrize(
    ("name", "numbers", "expected"),
    [
        ("cityscapes", [7, 33, 0, 26, 4], [0, 18, 255, 13, 255]),
        ("ade20k", [0, 1, 150, 13, 255], [255, 0, 149, 12, 255]),
        ("coco-stuff", [0, 181, 91, 12, 255], [0, 170, 80, 11, 255]),
        ("camvid", [0, 11, 10, 255, 3], [0, 255, 10, 255, 3]),
        ("voc", [0, 20, 255, 15, 1], [0, 20, 255, 15, 1]),
    ],
)
def test_files_of_known_data_sets_are_read(
    client: Client, name: str, numbers: list[int], expected: list[int]
) -> None:
    """The numbers in the data set's own PNGs become positions, and its void becomes unlabelled."""
    pool_id = new_pool(client, name)
    image = put_photo(client, pool_id, "a.jpg", photo(size=(5, 1)))
    sent = encoded(Image.frombytes("L", (5, 1), bytes(numbers)), "PNG")
    made = client.put(f"/images/{image['id']}/annotation", content=sent, headers=ABSENT)
    assert made.status_code == 201, made.text
    counted = Image.open(io.BytesIO(client.get(f"/images/{image['id']}/annotation").content))
    assert list(counted.tobytes()) == expected


@pytest.mark.parametrize(
    ("class_table", "words"),
    [
        (
            {"classes": [{"name": "a"}, {"name": "b", "color": [0, 300, 0]}]},
            ["body.class_table.classes.1.color.1"],
        ),
        ({"classes": [{"name": "a", "colour": [0, 0, 0]}]}, ["body.class_table.classes.0.colour"]),
        ({"ignore": 256, "classes": [{"name": "a"}]}, ["body.class_table.ignore:"]),
        ({"classes": [{"name": f"c{n}"} for n in range(300)]}, ["body.class_table.classes:", "255"]),
        ({"classes": [{"name": "a"}, {"name": "b"}, {"name": "b"}]}, ["name b"]),
        (
            {
                "classes": [
                    {"name": n, "color": c} for n, c in (("a", [1, 1, 1]), ("b", [2, 2, 2]), ("c", [1, 1, 1]))
                ]
            },
            ["c has the colour of a"],
        ),
        ("cmyk", ["body.class_table:", "rgb, cityscapes, camvid"]),
        ({"classes": [{"name": "car"}, {"name": "car\u200b"}]}, ["car\\u200b", "invisible"]),
        ({"classes": [{"name": "car\n"}]}, ["car\\n", "line break"]),
        ({"classes": [{"name": "car "}]}, ["'car '", "ends with a space"]),
    ],
)
def test_the_answer_says_where_the_table_is_wrong(client: Client, class_table: Any, words: list[str]) -> None:
    """Paths are those of the JSON that was sent, and both classes of a pair are named."""
    refused = client.post("/pools", json={"name": "wrong", "class_table": class_table})
    assert (refused.status_code, slug(refused)) == (422, "invalid-class-table")
    assert [word for word in words if word not in refused.json()["detail"]] == []
    assert "classes.classes" not in refused.text


def test_colours_that_a_translator_confuses_are_refused_for_its_methods(client: Client) -> None:
    """With two colours one grey step apart, methods that draw in colours are refused, naming both classes,
    before the pool has a photo and after; a method that learns classes is taken, and after a change of colour
    every method."""
    table = {
        "classes": [{"name": n, "color": [c, c, c]} for n, c in (("mud", 90), ("clay", 91), ("sand", 200))]
    }
    pool_id = new_pool(client, table)
    address = f"/pools/{pool_id}/trainings"
    empty = client.post(address, json={"method": "pix2pix"})
    assert slug(empty) == "invalid-training"
    assert "mud and clay" in empty.json()["detail"]
    annotate(client, put_photo(client, pool_id, "a.jpg")["id"])
    for method in ("pix2pix", "hybrid"):
        refused = client.post(address, json={"method": method, "recipe": "tiny"})
        assert slug(refused) == "invalid-training"
        detail = refused.json()["detail"]
        assert [word for word in ("mud", "clay", "1.7 apart", "0.17", "probe") if word not in detail] == []
    options = {"generator": "pretrained"}
    for order in ({"method": "probe"}, {"method": "hybrid", "recipe": "tiny", "options": options}):
        assert client.post(address, json=order).status_code == 202
    changed = client.patch(
        f"/pools/{pool_id}/class_table", json={"change": {"clay": {"color": [110, 91, 91]}}}
    )
    assert changed.status_code == 200, changed.text
    assert client.post(address, json={"method": "pix2pix"}).status_code == 202


def test_classes_are_renamed_recoloured_and_appended(client: Client) -> None:
    """Positions stay: a label map of before means the same classes, and a new class has the next position."""
    pool_id = new_pool(client)
    image = put_photo(client, pool_id, "a.jpg")
    annotate(client, image["id"], label_map(1))
    change = {"road": {"name": "street"}, "car": {"color": [0, 0, 255]}}
    body = {"change": change, "append": [{"name": "tree"}, {"name": "sign", "color": [1, 1, 1]}]}
    answer = client.patch(f"/pools/{pool_id}/class_table", json=body)
    assert answer.status_code == 200, answer.text
    pool = client.get(f"/pools/{pool_id}").json()
    assert answer.json() == pool
    classes = pool["class_table"]["classes"]
    assert [entry["name"] for entry in classes] == ["street", "car", "tree", "sign"]
    assert [classes[place]["color"] for place in (0, 1, 3)] == [[128, 64, 128], [0, 0, 255], [1, 1, 1]]
    assert [entry["pixels"] for entry in pool["counts"]["labelled"]["classes"]] == [704, 64, 0, 0]
    sent = {"If-Match": '"1"'}
    replaced = client.put(f"/images/{image['id']}/annotation", content=label_map(3), headers=sent)
    assert replaced.json()["pixels"] == {"street": 704, "car": 0, "tree": 0, "sign": 64}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"change": {"bus": {"name": "coach"}}}, ["no class bus", "road, car"]),
        ({"change": {"car": {"name": "road"}}}, ["road"]),
        ({"change": {"car": {"color": [128, 64, 128]}}}, ["car has the colour of road"]),
        ({"change": {"car": {"color": [128, 64]}}}, ["body.change.car.color"]),
        ({"append": [{"name": "car"}]}, ["car"]),
        ({"append": [{"name": "car\u200b"}]}, ["car\\u200b", "invisible"]),
        ({"change": {"car": {"name": "car\u202e"}}}, ["car\\u202e", "invisible"]),
        ({"append": [{"name": str(n)} for n in range(254)]}, ["room for 255"]),
    ],
)
def test_a_change_that_cannot_be_is_refused_whole(client: Client, body: Any, words: list[str]) -> None:
    """The class table stays as it was."""
    pool_id = new_pool(client)
    before = client.get(f"/pools/{pool_id}").json()
    refused = client.patch(f"/pools/{pool_id}/class_table", json=body)
    assert slug(refused) == "invalid-class-table"
    assert [word for word in words if word not in refused.json()["detail"]] == []
    assert client.get(f"/pools/{pool_id}").json() == before


def test_only_pools_with_classes_have_a_table_to_change(client: Client) -> None:
    """An rgb pool is refused, an unknown pool not found."""
    address = f"/pools/{new_pool(client, 'rgb')}/class_table"
    assert slug(client.patch(address, json={})) == "invalid-class-table"
    assert slug(client.patch(f"/pools/{uuid.uuid4()}/class_table", json={})) == "not-found"


def test_both_spellings_of_a_letter_are_one_name(client: Client) -> None:
    """Classes whose names differ only in how Unicode writes é are refused, and either spelling finds one."""
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    two = {"classes": [{"name": composed}, {"name": decomposed}]}
    refused = client.post("/pools", json={"name": "two spellings", "class_table": two})
    assert slug(refused) == "invalid-class-table"
    one = {"classes": [{"name": decomposed}, {"name": "road"}]}
    pool = client.post("/pools", json={"name": "one spelling", "class_table": one}).json()
    assert pool["class_table"]["classes"][0]["name"] == composed
    change = {"change": {decomposed: {"name": "bar"}}}
    changed = client.patch(f"/pools/{pool['id']}/class_table", json=change).json()
    assert changed["class_table"]["classes"][0]["name"] == "bar"
