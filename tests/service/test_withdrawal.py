"""Annotations that are withdrawn: revisions, who follows, and what is recorded."""

from typing import Any

from tests.service.serving import Client
from tests.service.steps import ABSENT, annotate, embedded_pool, label_map, new_pool, put_photo, slug
from tests.service.test_assignments import assign, pick_all


def withdraw(client: Client, image_id: str, revision: int) -> Any:
    return client.delete(f"/images/{image_id}/annotation", headers={"If-Match": f'"{revision}"'})


def test_a_withdrawal_is_a_revision(client: Client) -> None:
    """The image has no annotation, what was drawn can still be read, and the next revision counts on."""
    image = put_photo(client, new_pool(client), "a.jpg")
    address = f"/images/{image['id']}/annotation"
    annotate(client, image["id"], label_map(0))
    withdrawn = withdraw(client, image["id"], 1)
    assert (withdrawn.status_code, withdrawn.headers["etag"]) == (200, '"2"')
    assert client.get(f"/images/{image['id']}").json()["annotation_revision"] is None
    assert "withdrawn" in client.get(address).json()["detail"]
    assert client.get(address, params={"revision": 1, "original": 1}).content == label_map(0)
    assert slug(client.get(address, params={"revision": 2})) == "not-found"
    again = client.put(address, content=label_map(1), headers=ABSENT)
    assert (again.status_code, again.json()["revision"]) == (201, 3)
    assert client.get(address, params={"original": 1}).content == label_map(1)


def test_a_withdrawal_names_the_revision_that_counts(client: Client) -> None:
    """Without a revision it is refused, as it is with a stale one; asked twice, it is done once."""
    image = put_photo(client, new_pool(client), "a.jpg")
    address = f"/images/{image['id']}/annotation"
    assert slug(client.delete(address)) == "precondition-required"
    assert slug(withdraw(client, image["id"], 1)) == "stale-revision"
    annotate(client, image["id"])
    client.put(address, content=label_map(0), headers={"If-Match": '"1"'})
    assert slug(withdraw(client, image["id"], 1)) == "stale-revision"
    answers = [withdraw(client, image["id"], 2).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert slug(client.put(address, content=label_map(), headers={"If-Match": '"2"'})) == "stale-revision"


def revert(client: Client, image_id: str, headers: dict[str, str], **params: Any) -> Any:
    return client.post(f"/images/{image_id}/annotation/revert", headers=headers, params=params)


def test_an_earlier_label_map_comes_back(client_of_each: Client) -> None:
    """After a replacement and after a withdrawal, as a new revision that is bit for bit the same, and that
    can be reverted itself; any revision can be named.
    """
    client = client_of_each
    pool_id = new_pool(client)
    image = put_photo(client, pool_id, "a.jpg")
    address = f"/images/{image['id']}/annotation"
    first, second = label_map(0), label_map(1)
    annotate(client, image["id"], first)
    client.put(address, content=second, headers={"If-Match": '"1"'}).raise_for_status()

    def now() -> tuple[str, bytes]:
        answer = client.get(address, params={"original": 1})
        return answer.headers["etag"], answer.content

    back = revert(client, image["id"], {"If-Match": '"2"'})
    assert (back.status_code, back.headers["etag"], back.json()["pixels"]) == (
        201,
        '"3"',
        {"road": 768, "car": 0},
    )
    assert now() == ('"3"', first)
    assert revert(client, image["id"], {"If-Match": '"3"'}).status_code == 201
    assert now() == ('"4"', second)
    assert withdraw(client, image["id"], 4).status_code == 200
    assert revert(client, image["id"], ABSENT).status_code == 201
    assert now() == ('"6"', second)
    assert revert(client, image["id"], {"If-Match": '"6"'}, revision=1).status_code == 201
    assert now() == ('"7"', first)
    [event, *_] = client.get(f"/pools/{pool_id}/events").json()["items"]
    assert (event["action"], event["details"]) == ("annotated", {"reverted_to": 1, "revision": 7})


def test_reverting_overwrites_nothing_silently(client: Client) -> None:
    """Without a precondition, with a stale one, and to what is no label map it is refused."""
    image = put_photo(client, new_pool(client), "a.jpg")
    assert slug(revert(client, image["id"], ABSENT)) == "not-found"
    annotate(client, image["id"])
    assert slug(revert(client, image["id"], {})) == "precondition-required"
    assert slug(revert(client, image["id"], ABSENT)) == "annotation-exists"
    assert slug(revert(client, image["id"], {"If-Match": '"2"'})) == "stale-revision"
    assert slug(revert(client, image["id"], {"If-Match": '"1"'})) == "not-found"
    assert slug(revert(client, image["id"], {"If-Match": '"1"'}, revision=2)) == "not-found"


def test_everything_that_counts_annotations_follows(client_of_each: Client) -> None:
    """Counts, contents, lists, picks, assignments, trainings and evaluations see an unlabelled photo."""
    client = client_of_each
    pool_id, [image, other] = embedded_pool(client, 2)
    pick_all(client, pool_id, [image, other])
    model = client.post(f"/pools/{pool_id}/models", content=b"onnx").json()

    def seen() -> list[Any]:
        counts = client.get(f"/pools/{pool_id}").json()["counts"]
        listed = client.get(f"/pools/{pool_id}/images", params={"annotated": True}).json()["items"]
        asked = client.get(f"/pools/{pool_id}/select", params={"budget": 2})
        given = assign(client, pool_id, "ana", count=2).json()["items"]
        for item in given:
            client.delete(f"/assignments/{item['id']}")
        trained = client.post(f"/pools/{pool_id}/trainings", json={"method": "pix2pix"})
        order = {"model_id": model["id"], "split": "train"}
        evaluated = client.post(f"/pools/{pool_id}/evaluations", json=order)
        return [
            counts["train"]["annotated"],
            counts["labelled"]["label_maps"],
            [item["id"] for item in listed],
            asked.status_code,
            len(given),
            trained.status_code,
            evaluated.status_code,
        ]

    before = seen()
    annotate(client, image["id"])
    assert seen() == [1, 1, [image["id"]], 409, 1, 202, 202]
    assert withdraw(client, image["id"], 1).status_code == 200
    assert seen() == before == [0, 0, [], 202, 2, 409, 409]


def test_withdrawals_are_listed(client: Client) -> None:
    """The pool's events say what was withdrawn, newest first, in pages; other pools' events are not there."""
    pool_id = new_pool(client)
    images = [put_photo(client, pool_id, name)["id"] for name in ("a.jpg", "b.jpg")]
    for image_id in images:
        annotate(client, image_id)
        withdraw(client, image_id, 1)
    address = f"/pools/{pool_id}/events"
    withdrawn = {"action": "withdrawn", "limit": 1}
    first = client.get(address, params=withdrawn).json()
    second = client.get(address, params=withdrawn | {"cursor": first["next"]}).json()
    [newest], [oldest] = first["items"], second["items"]
    assert [newest["subject_id"], oldest["subject_id"]] == images[::-1]
    assert (oldest["action"], oldest["kind"]) == ("withdrawn", "annotation")
    assert (oldest["details"], second["next"]) == ({"revision": 2}, None)
    assert client.get(f"/pools/{new_pool(client)}/events", params=withdrawn).json()["items"] == []
    only = client.get(address, params=withdrawn | {"subject": images[0]}).json()["items"]
    assert [event["id"] for event in only] == [oldest["id"]]
