"""Photos that are deleted, taken back, and removed."""

import uuid
from typing import Any

from store.removal import results
from store.tables import Model
from tests.service.serving import Client
from tests.service.steps import (
    add_model,
    annotate,
    embedded_pool,
    label_map,
    new_pool,
    photo,
    put_photo,
    slug,
)
from tests.service.test_assignments import held, pick_all
from tests.service.working import work


def test_a_deleted_photo_is_gone_until_it_is_taken_back(client_of_each: Client) -> None:
    """Its addresses answer 410 and nothing counts or uses it; taken back, all is as it was."""
    client = client_of_each
    pool_id, [image, other, third] = embedded_pool(client, 3)
    annotate(client, image["id"])
    annotate(client, third["id"])
    address = f"/images/{image['id']}"

    def seen() -> list[Any]:
        listed = client.get(f"/pools/{pool_id}/images").json()["items"]
        asked = client.get(f"/pools/{pool_id}/select", params={"budget": 1})
        answers = [client.get(f"{address}{rest}").status_code for rest in ("", "/content", "/annotation")]
        return [client.get(f"/pools/{pool_id}").json()["counts"], listed, asked.json()["id"], answers]

    before = seen()
    deleted = client.delete(address)
    assert deleted.status_code == 200
    assert client.delete(address).json() == deleted.json()
    counts, listed, _, answers = seen()
    assert (counts["images"], counts["annotated"], [item["id"] for item in listed], answers) == (
        *(2, 1, [other["id"], third["id"]]),
        [410] * 3,
    )
    replaced = client.put(f"{address}/annotation", content=label_map(), headers={"If-Match": '"1"'})
    assert slug(replaced) == "gone"
    [waiting] = client.get(f"/pools/{pool_id}/images", params={"deleted": True}).json()["items"]
    assert (waiting["id"], waiting["name"]) == (image["id"], image["name"])
    assert client.post(f"{address}/undelete").json() == client.get(address).json()
    assert seen() == before
    [last, before_it, *_] = client.get(f"/pools/{pool_id}/events", params={"subject": image["id"]}).json()[
        "items"
    ]
    assert (last["action"], before_it["action"]) == ("undeleted", "deleted")


def test_a_photo_deleted_now_cannot_be_taken_back(client: Client) -> None:
    """A job that removes it is ordered at once; what was deleted for a time can still be deleted now."""
    pool_id, [image, other] = embedded_pool(client, 2)
    client.delete(f"/images/{image['id']}")
    for one in (image, other):
        assert client.delete(f"/images/{one['id']}", params={"now": True}).status_code == 200
        assert slug(client.post(f"/images/{one['id']}/undelete")) == "gone"
    [job] = client.get("/jobs", params={"pool": pool_id, "kind": "delete"}).json()["items"]
    assert job["state"] == "queued"
    assert slug(client.delete(f"/images/{uuid.uuid4()}")) == "not-found"


def test_the_name_of_a_deleted_photo_is_taken(client: Client) -> None:
    """The refusal says how to take the photo back, and how to free its name; done so, the name is free."""
    pool_id = new_pool(client)
    image, other = (put_photo(client, pool_id, f"{n}.jpg", photo(n)) for n in range(2))
    address = f"/pools/{pool_id}/images/{image['name']}"
    client.delete(f"/images/{image['id']}")
    again = client.put(address, content=photo(0))
    assert slug(again) == "name-taken"
    assert f"/images/{image['id']}/undelete" in again.json()["detail"]
    assert f"DELETE /images/{image['id']}?now=1" in again.json()["detail"]
    renamed = client.patch(f"/images/{other['id']}", json={"name": image["name"]})
    assert (slug(renamed), renamed.json()["detail"]) == ("name-taken", again.json()["detail"])
    listing = {"files": [{"name": image["name"], "sha256": image["sha256"]}]}
    assert client.post(f"/pools/{pool_id}/missing", json=listing).json()["conflicts"] == [image["name"]]
    client.delete(f"/images/{image['id']}", params={"now": True})
    assert "in a moment" in client.put(address, content=photo(0)).json()["detail"]
    [job] = client.get("/jobs", params={"pool": pool_id, "kind": "delete"}).json()["items"]
    assert work(client, job["id"])["state"] == "succeeded"
    assert client.put(address, content=photo(9)).status_code == 201


def test_receipts_say_what_was_deleted(client: Client) -> None:
    """Selections and models keep their receipts and say what is gone; no such pick is handed out. Then the
    selection cannot be explained any more."""
    pool_id, images = embedded_pool(client)
    annotate(client, images[0]["id"])
    selection_id = pick_all(client, pool_id, images[1:])
    model_id = add_model(client, pool_id, pairs=[[images[0]["id"], 1]])
    selection = client.get(f"/selections/{selection_id}").json()
    assert (selection["deleted"], selection["explainable"]) == ([], True)
    assert held(client, pool_id, "ana") == [images[1]["id"]]
    for image in images[:2]:
        client.delete(f"/images/{image['id']}")
    selection = client.get(f"/selections/{selection_id}").json()
    assert (selection["deleted"], selection["explainable"]) == ([images[1]["id"]], False)
    assert len(selection["picks"]) == 3
    model = client.get(f"/models/{model_id}").json()
    assert (model["deleted"], model["receipt"]["pairs"]) == ([images[0]["id"]], [[images[0]["id"], 1]])
    assert held(client, pool_id, "ana", count=3) == [images[2]["id"], images[3]["id"]]


def test_an_upload_whose_bytes_are_being_removed_is_told_so(client: Client) -> None:
    """The service answers 503 instead of keeping a photo without its bytes."""
    pool_id, _ = embedded_pool(client, 1)
    content, blobs = photo(991), client.service.blobs
    require = blobs.require

    def removed_before(*digests: str) -> None:
        for digest in digests:
            blobs.remove(digest)
        require(*digests)

    blobs.require = removed_before  # type: ignore[method-assign]
    try:
        refused = client.put(f"/pools/{pool_id}/images/late.jpg", content=content)
    finally:
        blobs.require = require  # type: ignore[method-assign]
    assert slug(refused) == "unavailable"
    put_photo(client, pool_id, "late.jpg", content)


def test_the_log_does_not_name_photos(client: Client, capsys: Any) -> None:
    """Log files outlive what was deleted."""
    pool_id, _ = embedded_pool(client, 1)
    capsys.readouterr()
    put_photo(client, pool_id, "a-name-to-forget.jpg")
    logged = capsys.readouterr().out
    assert f"/pools/{pool_id}/images/{{name}}" in logged
    assert "a-name-to-forget" not in logged


def test_everything_else_is_deleted_and_taken_back_alike(client: Client) -> None:
    """A selection, model, job, label map and pool answer 410, are in no list, and come back as they were."""
    pool_id, [image, *_] = embedded_pool(client, 2)
    annotate(client, image["id"])
    labels = f"/pools/{pool_id}/labels"
    label_map_id = client.put(f"{labels}/a.png", content=label_map()).json()["id"]
    training = client.post(f"/pools/{pool_id}/trainings", json={"method": "pix2pix"}).json()["id"]
    assert slug(client.delete(f"/jobs/{training}")) == "not-deletable"
    client.post(f"/jobs/{training}/cancel")
    selection, model = pick_all(client, pool_id, [image]), add_model(client, pool_id)
    of_model = client.get(f"/models/{model}").json()["job_id"]
    assert model in client.delete(f"/jobs/{of_model}").json()["detail"]
    for address, listed in (
        (f"/selections/{selection}", f"/pools/{pool_id}/selections"),
        (f"/models/{model}", f"/pools/{pool_id}/models"),
        (f"/jobs/{training}", f"/jobs?pool={pool_id}"),
        (f"/label_maps/{label_map_id}", labels),
        (f"/pools/{pool_id}", "/pools?limit=1000"),
    ):
        id = address.rsplit("/", 1)[1]
        is_label_map = "label_maps" in address
        before = client.get(labels).json()["items"][0] if is_label_map else client.get(address).json()
        assert client.delete(address).json()["id"] == id
        if not is_label_map:
            assert slug(client.get(address)) == "gone"
        if not address.startswith("/pools/"):
            assert id not in [item["id"] for item in client.get(listed).json()["items"]]
        assert client.post(f"{address}/undelete").json() == before
    deleted = client.get(f"/pools/{pool_id}/events", params={"action": "deleted"}).json()["items"]
    assert [event["kind"] for event in reversed(deleted)] == [
        "selection",
        "model",
        "job",
        "label_map",
        "pool",
    ]


def test_what_is_in_a_deleted_pool_is_gone_too(client: Client) -> None:
    """Its photos and jobs answer 410; it is listed as deleted, its name is taken, and it comes back whole."""
    pool_id, [image, _] = embedded_pool(client, 2)
    pool = client.get(f"/pools/{pool_id}").json()
    client.delete(f"/pools/{pool_id}")
    job = client.get("/jobs", params={"pool": pool_id}).json()["items"][0]
    for address in (f"/pools/{pool_id}/images", f"/images/{image['id']}", f"/jobs/{job['id']}"):
        assert slug(client.get(address)) == "gone"
    taken = client.post("/pools", json={"name": pool["name"], "class_table": "rgb"})
    assert slug(taken) == "pool-name-taken"
    assert f"DELETE /pools/{pool_id}?now=1" in taken.json()["detail"]
    [listed] = client.get("/pools", params={"deleted": True, "name": pool["name"]}).json()["items"]
    assert listed["id"] == pool_id
    assert client.post(f"/pools/{pool_id}/undelete").json() == pool
    assert client.get(f"/images/{image['id']}").status_code == 200


def test_a_removed_model_answers_with_its_receipt(client: Client) -> None:
    """Its address is 410, and the problem document has what the model was trained on."""
    pool_id, [image] = embedded_pool(client, 1)
    annotate(client, image["id"])
    model_id = uuid.UUID(add_model(client, pool_id, pairs=[[image["id"], 1]]))
    with client.service.database.write() as session:
        results.remove_model(session, session.get_one(Model, model_id))
    gone = client.get(f"/models/{model_id}")
    assert slug(gone) == "gone"
    assert gone.json()["receipt"]["pairs"] == [[image["id"], 1]]
    assert slug(client.delete(f"/models/{model_id}")) == "gone"
