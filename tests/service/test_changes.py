"""Photos that are renamed, left out, or moved to the other split, and pools that are renamed."""

import uuid
from typing import Any

import pytest

from service.images import changes
from tests.service.serving import Client
from tests.service.steps import (
    add_model,
    annotate,
    embed,
    embedded_pool,
    new_pool,
    photo,
    put_photo,
    slug,
    succeed,
)
from tests.service.test_assignments import held, pick_all
from tests.service.test_evaluations import evaluated


def change(client: Client, image: dict[str, Any], **wanted: Any) -> Any:
    return client.patch(f"/images/{image['id']}", json=wanted)


def move(client: Client, image: dict[str, Any], split: str, near: list[dict[str, Any]] | None = None) -> Any:
    """Ask for a move until it is answered; `near` are the photos that the worker finds nearly the same."""
    answer = change(client, image, split=split)
    if answer.status_code != 202:
        return answer
    items = [{"image_id": one["id"], "name": one["name"], "distance": 0.0} for one in near or []]
    succeed(client, answer.json()["id"], {"items": items})
    return change(client, image, split=split)


def actions(client: Client, pool_id: str) -> list[tuple[str, dict[str, Any]]]:
    """What was done to what is in a pool, oldest first."""
    events = client.get(f"/pools/{pool_id}/events").json()["items"]
    others = ("created", "added", "annotated", "ordered", "assigned", "returned")
    return [
        (event["action"], event["details"]) for event in reversed(events) if event["action"] not in others
    ]


def test_an_excluded_photo_is_used_for_nothing_until_it_is_included(client_of_each: Client) -> None:
    """It is not counted, picked, handed out, trained on or evaluated with; then all is as it was."""
    client = client_of_each
    pool_id, [image, other, third] = embedded_pool(client, 3)
    annotate(client, other["id"])
    pick_all(client, pool_id, [image, third])
    model = client.post(f"/pools/{pool_id}/models", content=b"onnx").json()

    def seen() -> list[Any]:
        counts = client.get(f"/pools/{pool_id}").json()["counts"]
        asked = client.get(f"/pools/{pool_id}/select", params={"budget": 2})
        [*free] = held(client, pool_id, "ana", count=2)
        for item in client.get(f"/pools/{pool_id}/assignments", params={"open": True}).json()["items"]:
            client.delete(f"/assignments/{item['id']}")
        trained = client.post(f"/pools/{pool_id}/trainings", json={"method": "pix2pix"})
        order = {"model_id": model["id"], "split": "train"}
        scored = client.post(f"/pools/{pool_id}/evaluations", json=order)
        return [
            [counts[name] for name in ("images", "embedded", "annotated", "excluded")],
            counts["labelled"]["label_maps"],
            asked.status_code,
            free,
            trained.status_code,
            scored.status_code,
        ]

    before = seen()
    assert before == [[3, 3, 1, 0], 1, 202, [image["id"], third["id"]], 202, 202]
    for one in (image, other):
        assert change(client, one, excluded=True).json()["excluded"]
    assert seen() == [[1, 1, 0, 2], 0, 409, [third["id"]], 409, 409]
    for one in (image, other):
        assert not change(client, one, excluded=False).json()["excluded"]
    assert seen() == before
    assert [action for action, _ in actions(client, pool_id)] == ["excluded"] * 2 + ["included"] * 2


def test_a_photo_and_a_pool_get_other_names(client: Client) -> None:
    """The new name is found and the old one is free; a name that is taken or wrong is refused."""
    pool_id, [image, other] = embedded_pool(client, 2)
    assert slug(change(client, image, name=other["name"])) == "name-taken"
    assert slug(change(client, image, name="\n")) == "invalid-name"
    assert change(client, image, name="new.jpg").json()["name"] == "new.jpg"
    assert change(client, image, name="new.jpg").status_code == 200
    found = client.get(f"/pools/{pool_id}/images", params={"name": "new.jpg"}).json()["items"]
    assert [one["id"] for one in found] == [image["id"]]
    put_photo(client, pool_id, image["name"])
    taken = client.get(f"/pools/{new_pool(client)}").json()["name"]
    address, name = f"/pools/{pool_id}", f"renamed {uuid.uuid4()}"
    before = client.get(address).json()["name"]
    assert slug(client.patch(address, json={"name": taken})) == "pool-name-taken"
    assert client.patch(address, json={"name": name}).json()["name"] == client.get(address).json()["name"]
    assert actions(client, pool_id) == [
        ("renamed", {"before": image["name"], "name": "new.jpg"}),
        ("renamed", {"before": before, "name": name}),
    ]


def test_a_photo_moves_to_the_other_split_and_back(client: Client) -> None:
    """It takes its annotation with it, and evaluations that scored it say that it has left."""
    pool_id, images = embedded_pool(client)
    annotate(client, images[0]["id"])
    assert move(client, images[0], "test").json()["split"] == "test"
    counts = client.get(f"/pools/{pool_id}").json()["counts"]
    assert [counts[split]["annotated"] for split in ("train", "test")] == [0, 1]
    model = client.post(f"/pools/{pool_id}/models", content=b"onnx").json()
    evaluation = f"/evaluations/{evaluated(client, pool_id, model['id'])}"
    before = client.get(evaluation).json()["left"]
    assert move(client, images[0], "train").json()["split"] == "train"
    assert client.get(evaluation).json()["left"] == before + 1
    assert client.get(f"/models/{model['id']}").json()["evaluations"][0]["left"] == before + 1
    assert [details for _, details in actions(client, pool_id)] == [{"split": "test"}, {"split": "train"}]


def test_models_are_not_tested_on_what_they_learned_from(client: Client) -> None:
    """A photo that a training or a model has seen stays a train photo; one that came later may move."""
    pool_id, images = embedded_pool(client, 2)
    annotate(client, images[0]["id"])
    waiting = client.post(f"/pools/{pool_id}/trainings", json={"method": "pix2pix"}).json()
    refused = move(client, images[0], "test")
    assert (slug(refused), refused.json()["jobs"]) == ("would-leak", [waiting["id"]])
    client.post(f"/jobs/{waiting['id']}/cancel")
    model_id = add_model(client, pool_id, pairs=[[images[0]["id"], 1]], unpaired_photos=2)
    later_id = add_model(client, pool_id, "pix2pix", start_from=model_id)
    for image in images:
        refused = move(client, image, "test")
        assert (slug(refused), refused.json()["models"]) == ("would-leak", [model_id, later_id])
    late = put_photo(client, pool_id, "late.jpg", photo(77))
    embed(client, pool_id)
    assert move(client, late, "test").status_code == 200


def test_what_is_nearly_the_same_stays_together(client: Client) -> None:
    """A photo does not move if an annotated train photo and a test photo would be nearly the same."""
    pool_id, [image, twin, *_] = embedded_pool(client)
    annotate(client, twin["id"])
    refused = move(client, image, "test", [twin])
    assert (slug(refused), refused.json()["images"]) == ("would-leak", [twin["id"]])
    assert client.get(f"/images/{image['id']}").json()["split"] == "train"
    change(client, twin, excluded=True)
    assert move(client, image, "test", []).status_code == 200
    unlabelled = put_photo(client, pool_id, "c.jpg", split="test")
    embed(client, pool_id)
    assert move(client, unlabelled, "train", [image]).status_code == 200
    annotate(client, image["id"])
    refused = move(client, image, "train", [put_photo(client, pool_id, "d.jpg", split="test")])
    assert slug(refused) == "would-leak"


def test_a_photo_without_an_embedding_waits(client: Client) -> None:
    """It can be renamed and excluded at once. It moves at once as long as no train photo is annotated and
    it is not annotated itself; then only when it can be compared."""
    pool_id = new_pool(client)
    image, other = (put_photo(client, pool_id, name, photo(n)) for n, name in enumerate(["a.jpg", "b.jpg"]))
    assert change(client, image, split="test").json()["split"] == "test"
    annotate(client, other["id"])
    assert change(client, image, split="train").json()["split"] == "train"
    assert slug(change(client, image, split="test")) == "pool-not-embedded"
    assert change(client, image, excluded=True, name="c.jpg").status_code == 200


def test_an_annotation_beside_a_move_is_not_overlooked(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo that needs no comparison when its move is asked for, and one when it is made, stays."""
    _, [image, twin, *_] = embedded_pool(client)
    asked = changes.near_asked

    def annotated_meanwhile(*arguments: Any) -> Any:
        answer = asked(*arguments)
        annotate(client, twin["id"])
        return answer

    monkeypatch.setattr(changes, "near_asked", annotated_meanwhile)
    refused = change(client, image, split="test")
    assert slug(refused) == "would-leak"
    assert "move it again" in refused.json()["detail"]
    assert client.get(f"/images/{image['id']}").json()["split"] == "train"
