"""Classes that were appended are taken back, if nothing uses them."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from store import blobs
from store.tables import Annotation, ModelFile, Pool
from tests import export_kinds as kinds
from tests.service.serving import Client
from tests.service.steps import ABSENT, add_model, annotate, label_map, new_pool, put_photo, slug
from tests.service.test_imports import order

SIGN = {"name": "sign", "color": [1, 2, 3], "id": 200}


def change(client: Client, pool_id: str, **body: Any) -> Any:
    return client.patch(f"/pools/{pool_id}/class_table", json=body)


def table(client: Client, pool_id: str) -> list[dict[str, Any]]:
    classes: list[dict[str, Any]] = client.get(f"/pools/{pool_id}").json()["class_table"]["classes"]
    return classes


def newest_event(client: Client, pool_id: str) -> dict[str, Any]:
    details: dict[str, Any] = client.get(f"/pools/{pool_id}/events").json()["items"][0]["details"]
    return details


def test_appended_classes_are_taken_out_and_come_again(client_of_each: Client) -> None:
    """The table is as before the append, label maps count the same, and what labels of imports mean is
    forgotten with the class. The event has what is needed to append it again.
    """
    client = client_of_each
    pool_id = new_pool(client)
    before = table(client, pool_id)
    assert change(client, pool_id, append=[{"name": "tree"}, SIGN]).status_code == 200
    with client.service.database.write() as session:
        session.get_one(Pool, uuid.UUID(pool_id)).label_mapping = {"board": 3, "auto": 1, "none": None}
    image = put_photo(client, pool_id, "a.jpg")
    annotate(client, image["id"])
    taken = change(client, pool_id, remove=["sign", "tree"])
    assert taken.status_code == 200, taken.text
    assert table(client, pool_id) == before
    assert taken.json()["label_mapping"] == {"auto": "car", "none": None}
    assert [entry["pixels"] for entry in taken.json()["counts"]["labelled"]["classes"]] == [704, 64]
    again = client.put(f"/images/{image['id']}/annotation", content=label_map(0), headers={"If-Match": '"1"'})
    assert again.json()["pixels"] == {"road": 768, "car": 0}
    event = client.get(f"/pools/{pool_id}/events", params={"kind": "pool"}).json()["items"][0]["details"]
    assert event["remove"] == ["sign", "tree"]
    assert change(client, pool_id, append=event["before"]).status_code == 200
    assert table(client, pool_id)[3] == SIGN


def test_names_and_colours_come_back_from_the_event(client: Client) -> None:
    """The event of a change has the classes as they were: changed back, the table is the same."""
    pool_id = new_pool(client)
    before = table(client, pool_id)
    changes = {"road": {"name": "car"}, "car": {"name": "road", "color": [9, 9, 9]}}
    assert change(client, pool_id, change=changes).status_code == 200
    [road, car] = newest_event(client, pool_id)["before"]
    back = {"car": {"name": road["name"]}, "road": {"name": car["name"], "color": car["color"]}}
    assert change(client, pool_id, change=back).status_code == 200
    assert table(client, pool_id) == before


@pytest.mark.parametrize(
    ("remove", "words"),
    [
        (["bus"], ["no class bus"]),
        (["road"], ["car is behind"]),
        (["road", "car"], ["at least one class"]),
    ],
)
def test_only_last_classes_are_taken_out(client: Client, remove: list[str], words: list[str]) -> None:
    """An unknown class, one before another, and all of them are refused."""
    pool_id = new_pool(client)
    refused = change(client, pool_id, remove=remove)
    assert slug(refused) == "invalid-class-table"
    assert [word for word in words if word not in refused.json()["detail"]] == []


def drawn_then_withdrawn(client: Client, pool_id: str) -> None:
    image = put_photo(client, pool_id, "withdrawn.jpg")
    annotate(client, image["id"], label_map(2))
    client.delete(f"/images/{image['id']}/annotation", headers={"If-Match": '"1"'}).raise_for_status()


def drawn_then_replaced(client: Client, pool_id: str) -> None:
    image = put_photo(client, pool_id, "replaced.jpg")
    annotate(client, image["id"], label_map(2))
    address = f"/images/{image['id']}/annotation"
    client.put(address, content=label_map(0), headers={"If-Match": '"1"'}).raise_for_status()


def drawn_on_a_deleted_photo(client: Client, pool_id: str) -> None:
    image = put_photo(client, pool_id, "deleted.jpg")
    annotate(client, image["id"], label_map(2))
    client.delete(f"/images/{image['id']}").raise_for_status()


def never_counted(client: Client, pool_id: str) -> None:
    image = put_photo(client, pool_id, "old.jpg")
    annotate(client, image["id"], label_map(0))
    with client.service.database.write() as session:
        session.query(Annotation).filter_by(image_id=uuid.UUID(image["id"])).update({"class_pixels": None})


def unpaired(client: Client, pool_id: str) -> None:
    client.put(f"/pools/{pool_id}/labels/unpaired.png", content=label_map(2)).raise_for_status()


def an_imported_model(client: Client, pool_id: str) -> None:
    client.post(f"/pools/{pool_id}/models", content=b"x", params={"name": "m.onnx"}).raise_for_status()


def a_trained_model(client: Client, pool_id: str) -> None:
    annotate(client, put_photo(client, pool_id, "pair.jpg")["id"], label_map(0))
    model_id = add_model(client, pool_id)
    with client.service.database.write() as session:
        spec = json.dumps({"class_table": {"classes": [{}, {}, {}]}}).encode()
        file = session.get_one(ModelFile, (uuid.UUID(model_id), "spec.json"))
        file.sha256 = blobs.put(client.service.blobs, [spec]).sha256


def a_training(client: Client, pool_id: str) -> None:
    annotate(client, put_photo(client, pool_id, "pair.jpg")["id"], label_map(0))
    client.post(f"/pools/{pool_id}/trainings", json={"method": "hybrid"}).raise_for_status()


def an_import(client: Client, pool_id: str) -> None:
    order(client, pool_id, kinds.zipped({"a.png": label_map(0)}), "png").raise_for_status()


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (drawn_then_withdrawn, ["withdrawn.jpg in revision 1", "/images/{id}?now=1"]),
        (drawn_then_replaced, ["replaced.jpg in revision 1"]),
        (drawn_on_a_deleted_photo, ["deleted.jpg in revision 1 (deleted"]),
        (never_counted, ["old.jpg in revision 1"]),
        (unpaired, ["unpaired label map unpaired.png", "/label_maps/{id}?now=1"]),
        (an_imported_model, ["the onnx model m.onnx", "/models/{id}?now=1"]),
        (a_trained_model, ["the hybrid model"]),
        (a_training, ["the training", "queued", "Cancel"]),
        (an_import, ["the import", "queued", "Cancel"]),
    ],
)
def test_a_class_that_something_uses_stays(
    client: Client, use: Callable[[Client, str], None], words: list[str]
) -> None:
    """409 says what uses it and what to do; label maps and models without the class do not hinder."""
    pool_id = new_pool(client)
    an_older = put_photo(client, pool_id, "older.jpg")
    annotate(client, an_older["id"])
    client.post(f"/pools/{pool_id}/models", content=b"x", params={"name": "older"}).raise_for_status()
    change(client, pool_id, append=[{"name": "sign"}]).raise_for_status()
    assert change(client, pool_id, remove=["sign"]).status_code == 200
    change(client, pool_id, append=[{"name": "sign"}]).raise_for_status()
    use(client, pool_id)
    refused = change(client, pool_id, remove=["sign"])
    assert (refused.status_code, slug(refused)) == (409, "class-in-use")
    assert len(refused.json()["used_by"]) == 1
    assert [word for word in words if word not in refused.json()["detail"]] == []
    assert len(table(client, pool_id)) == 3


@pytest.mark.parametrize("address", ["/images/{image_id}/annotation", "/pools/{pool_id}/labels/new.png"])
def test_a_label_map_is_not_kept_in_classes_that_changed_meanwhile(client: Client, address: str) -> None:
    """A label map is on its way while its class is taken out: it is refused. While a class is appended, it is
    kept.
    """
    pool_id = new_pool(client)
    image = put_photo(client, pool_id, "a.jpg")
    path = address.format(image_id=image["id"], pool_id=pool_id)

    def sent_during(content: bytes, **changes: Any) -> Any:
        def body() -> Iterator[bytes]:
            yield content[:20]
            change(client, pool_id, **changes).raise_for_status()
            yield content[20:]

        return client.put(path, content=body(), headers=ABSENT)

    change(client, pool_id, append=[SIGN]).raise_for_status()
    refused = sent_during(label_map(200), remove=["sign"])
    assert (refused.status_code, slug(refused)) == (409, "class-table-changed")
    assert sent_during(label_map(1), append=[SIGN]).status_code == 201


@pytest.mark.parametrize(
    ("name", "positions", "numbers"), [("camvid", (11, 12), (12, 13)), ("cityscapes", (19, 20), (34, 35))]
)
def test_a_class_is_appended_to_the_table_of_a_data_set(
    client: Client, name: str, positions: tuple[int, int], numbers: tuple[int, int]
) -> None:
    """Files of the data set use the number that is the next position for something else: a class without
    `id` gets the next free number, and files in it are read.
    """
    pool_id = new_pool(client, name)
    change(client, pool_id, append=[{"name": "animal"}, {"name": "tent"}]).raise_for_status()
    assert tuple(table(client, pool_id)[place]["id"] for place in positions) == numbers
    image = put_photo(client, pool_id, "a.jpg")
    answer = client.put(f"/images/{image['id']}/annotation", content=label_map(numbers[1]), headers=ABSENT)
    assert answer.json()["pixels"]["tent"] == 64
