"""Evaluations: ordering them, and their scores image by image."""

import uuid
from typing import Any

import pytest

from store import blobs, evaluations, jobs
from store.tables import Evaluation, EvaluationImage
from tests.service.serving import Client
from tests.service.steps import add_model, annotate, new_pool, photo, put_photo, slug

PER_CLASS = {"accuracy": 0.5, "iou": 0.5, "pixels": 10}
METRICS = {
    **{"pixel_accuracy": 0.6, "mean_accuracy": 0.5, "mean_iou": 0.5, "mean_iou_present": 0.5},
    **{"doubtful_share": 0.1, "per_class": [PER_CLASS | {"name": name} for name in ("road", "car")]},
    **{"expected_calibration_error": 0.02, "errors_in_least_sure": 0.7},
}
SCORES = {"a.jpg": 0.5, "b.jpg": 0.25, "c.jpg": 0.5, "d.jpg": 1.0}


@pytest.fixture
def pool_id(client: Client) -> str:
    """A pool with one annotated train image and four annotated test images."""
    pool_id = new_pool(client)
    annotate(client, put_photo(client, pool_id, "t.jpg")["id"])
    for number, name in enumerate(SCORES):
        annotate(client, put_photo(client, pool_id, name, photo(number), split="test")["id"])
    return pool_id


@pytest.fixture
def model_id(client: Client, pool_id: str) -> str:
    return add_model(client, pool_id)


def order(client: Client, pool_id: str, model_id: str, **more: Any) -> Any:
    return client.post(f"/pools/{pool_id}/evaluations", json={"model_id": model_id, **more})


def evaluated(client: Client, pool_id: str, model_id: str) -> str:
    """End an evaluation as a worker would, and return its id."""
    job = order(client, pool_id, model_id).json()
    evaluation = Evaluation(
        id=uuid.uuid4(),
        model_id=uuid.UUID(model_id),
        job_id=uuid.UUID(job["id"]),
        split="test",
        direction="photos_to_labels",
        metrics=METRICS,
        confusion=[4, 1, 0, 7],
    )
    images = client.get(f"/pools/{pool_id}/images?split=test").json()["items"]
    rows = []
    for image in images:
        blob = blobs.put(client.service.blobs, [image["name"].encode()])
        score = SCORES.get(image["name"], 0.5)
        rows.append(
            EvaluationImage(
                evaluation_id=evaluation.id,
                image_id=uuid.UUID(image["id"]),
                score=score,
                scores={"pixel_accuracy": 0.5, "mean_iou": score},
                sha256=blob.sha256,
                size_bytes=blob.size,
            )
        )
    with client.service.database.write() as session:
        claim = jobs.claim(session, evaluation.job_id, worker="test", lease_s=60)
        assert claim
        jobs.succeed(session, claim, {"evaluation_id": str(evaluation.id)})
        evaluations.add(session, evaluation, rows)
    return str(evaluation.id)


def test_an_evaluation_is_ordered_and_kept_with_the_model(
    client: Client, pool_id: str, model_id: str
) -> None:
    """It needs annotated images in its split and a model of its pool; the model has its scores."""
    empty = new_pool(client)
    annotate(client, put_photo(client, empty, "t.jpg")["id"])
    assert slug(order(client, empty, add_model(client, empty))) == "no-annotations"
    assert slug(order(client, empty, model_id)) == "not-found"
    assert slug(order(client, pool_id, str(uuid.uuid4()))) == "not-found"
    job = order(client, pool_id, model_id, split="train")
    assert (job.status_code, job.json()["model_id"]) == (202, model_id)
    evaluation_id = evaluated(client, pool_id, model_id)
    [evaluation] = client.get(f"/models/{model_id}").json()["evaluations"]
    assert client.get(f"/evaluations/{evaluation_id}").json() == evaluation
    assert (evaluation["split"], evaluation["metrics"]) == ("test", METRICS)
    assert (evaluation["direction"], evaluation["scorer_id"]) == ("photos_to_labels", None)
    assert slug(client.get(f"/evaluations/{uuid.uuid4()}")) == "not-found"


@pytest.mark.parametrize("sort", ["score", "-score", "name"])
def test_images_are_listed_in_order_and_in_pages(
    client: Client, pool_id: str, model_id: str, sort: str
) -> None:
    """Pages of one list each image once, by score or by name, even if scores are equal."""
    evaluation_id = evaluated(client, pool_id, model_id)
    found: list[dict[str, Any]] = []
    params: dict[str, str] = {"sort": sort, "limit": "1"}
    while True:
        page = client.get(f"/evaluations/{evaluation_id}/images", params=params).json()
        found += page["items"]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    names, scores = [item["name"] for item in found], [item["score"] for item in found]
    assert sorted(names) == sorted(SCORES)
    assert [item["scores"]["mean_iou"] for item in found] == scores == [SCORES[name] for name in names]
    wanted = {"score": sorted(scores), "-score": sorted(scores, reverse=True)}
    assert scores == wanted.get(sort, scores)
    if sort == "name":
        assert names == sorted(SCORES)
    page = client.get(f"/evaluations/{evaluation_id}/images?contains=B.J&total=1").json()
    assert ([item["name"] for item in page["items"]], page["total"]) == (["b.jpg"], 1)


def test_predictions_can_be_seen(client: Client, pool_id: str, model_id: str) -> None:
    """The bytes are the stored ones; an image outside the evaluation has no prediction."""
    evaluation_id = evaluated(client, pool_id, model_id)
    [worst] = client.get(f"/evaluations/{evaluation_id}/images?limit=1").json()["items"]
    address = f"/evaluations/{evaluation_id}/images/{worst['image_id']}/prediction"
    answer = client.get(address)
    assert (answer.content, answer.headers["content-type"]) == (b"b.jpg", "image/png")
    assert client.get(address, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    other = client.get(f"/pools/{pool_id}/images?split=train").json()["items"][0]["id"]
    assert slug(client.get(f"/evaluations/{evaluation_id}/images/{other}/prediction")) == "not-found"


def test_photos_made_of_label_maps_need_a_scorer(client: Client, pool_id: str, model_id: str) -> None:
    """Without a scorer, or with the model itself, the refusal says what to do; a model of another pool does
    not exist here.
    """
    backwards = {"direction": "labels_to_photos"}
    elsewhere = new_pool(client)
    annotate(client, put_photo(client, elsewhere, "a.jpg")["id"])
    foreign = add_model(client, elsewhere)
    for scorer in (None, model_id):
        refused = order(client, pool_id, model_id, **backwards, scorer=scorer)
        assert (refused.status_code, slug(refused)) == (422, "invalid-evaluation")
        assert "fcn8s" in refused.json()["detail"]
        assert f"/pools/{pool_id}/models" in refused.json()["detail"]
    scorer = client.post(f"/pools/{pool_id}/models", content=b"onnx").json()["id"]
    accepted = order(client, pool_id, model_id, **backwards, scorer=scorer)
    assert accepted.status_code == 202
    with client.service.database.read() as session:
        row = jobs.get(session, uuid.UUID(accepted.json()["id"]))
    assert row
    assert row.spec == {"model_id": model_id, "split": "test", **backwards, "scorer": scorer} | {
        "test_time": "none"
    }
    for unknown in (foreign, str(uuid.uuid4())):
        assert slug(order(client, pool_id, model_id, **backwards, scorer=unknown)) == "not-found"


def test_directions_that_make_no_sense_are_refused(client: Client, pool_id: str, model_id: str) -> None:
    """A scorer for label maps, photos by a one-way model, and photos without classes are refused."""
    imported = client.post(f"/pools/{pool_id}/models", content=b"onnx").json()["id"]
    assert slug(order(client, pool_id, model_id, scorer=imported)) == "invalid-evaluation"
    backwards = {"direction": "labels_to_photos", "scorer": model_id}
    assert slug(order(client, pool_id, imported, **backwards)) == "no-such-direction"
    rgb = new_pool(client, "rgb")
    annotate(client, put_photo(client, rgb, "a.jpg")["id"], photo(5))
    models = [add_model(client, rgb) for _ in range(2)]
    refused = order(client, rgb, models[0], direction="labels_to_photos", scorer=models[1])
    assert slug(refused) == "invalid-evaluation"


def test_label_maps_of_the_test_split_are_evaluated_by_default(
    client: Client, pool_id: str, model_id: str
) -> None:
    """The defaults are the test split, photos to label maps, no scorer, and photos as they are."""
    job = order(client, pool_id, model_id).json()
    with client.service.database.read() as session:
        row = jobs.get(session, uuid.UUID(job["id"]))
    assert row
    assert row.spec == {
        **{"model_id": model_id, "split": "test"},
        **{"direction": "photos_to_labels", "scorer": None, "test_time": "none"},
    }


def test_an_evaluation_is_deleted_with_its_job(client: Client, pool_id: str, model_id: str) -> None:
    """The model does not list it, its addresses answer 410, and taken back it is there again."""
    address = f"/evaluations/{evaluated(client, pool_id, model_id)}"
    job = f"/jobs/{client.get(address).json()['job_id']}"

    def listed() -> int:
        return len(client.get(f"/models/{model_id}").json()["evaluations"])

    assert client.delete(job).status_code == 200
    assert listed() == 0
    assert [slug(client.get(f"{address}{rest}")) for rest in ("", "/images")] == ["gone"] * 2
    assert client.post(f"{job}/undelete").status_code == 200
    assert (listed(), client.get(address).status_code) == (1, 200)


def test_an_evaluation_says_which_classes_were_confused(client: Client, pool_id: str, model_id: str) -> None:
    """The pixels by true and by predicted class, in the order of the classes; older evaluations have none."""
    evaluation_id = evaluated(client, pool_id, model_id)
    address = f"/evaluations/{evaluation_id}/confusion"
    assert client.get(address).json() == {"classes": ["road", "car"], "pixels": [[4, 1], [0, 7]]}
    with client.service.database.write() as session:
        session.get_one(Evaluation, uuid.UUID(evaluation_id)).confusion = None
    assert slug(client.get(address)) == "not-found"
