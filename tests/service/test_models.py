"""Models: their files, and translating with them."""

import uuid
from typing import Any

import pytest

from store import blobs, jobs, trainings
from store.tables import Model
from tests.service.serving import Client
from tests.service.steps import CLASSES, annotate, fail, label_map, new_pool, photo, put_photo, slug, succeed

WEIGHTS = b"safetensors" * 1000


def add_model(client: Client, class_table: Any = CLASSES) -> str:
    """A model such as a training leaves it."""
    pool_id = new_pool(client, class_table)
    image = put_photo(client, pool_id, "a.jpg")
    annotate(client, image["id"], label_map() if class_table != "rgb" else photo(5))
    job = client.post(f"/pools/{pool_id}/trainings", json={}).json()
    model = Model(
        id=uuid.uuid4(),
        pool_id=uuid.UUID(pool_id),
        job_id=uuid.UUID(job["id"]),
        method="hybrid",
        spec={"recipe": "tiny"},
        receipt={"pairs": [[image["id"], 1]]},
    )
    files = {
        name: blobs.put(client.service.blobs, [content])
        for name, content in {"photo_to_label.safetensors": WEIGHTS, "spec.json": b"{}"}.items()
    }
    with client.service.database.write() as session:
        trainings.add_model(session, model, files)
    succeed(client, job["id"], {"model_id": str(model.id)})
    return str(model.id)


@pytest.fixture
def model_id(client: Client) -> str:
    return add_model(client)


def kept(client: Client, content: bytes) -> dict[str, Any]:
    blob = blobs.put(client.service.blobs, [content])
    return {"sha256": blob.sha256, "size": blob.size}


def test_a_models_files_can_be_downloaded(client: Client, model_id: str) -> None:
    """The record lists each file with size and digest; the bytes come as a download with an ETag."""
    model = client.get(f"/models/{model_id}").json()
    assert [file["name"] for file in model["files"]] == ["photo_to_label.safetensors", "spec.json"]
    assert (model["method"], model["spec"], model["evaluations"]) == ("hybrid", {"recipe": "tiny"}, [])
    assert client.get(f"/pools/{model['pool_id']}/models").json() == {"items": [model], "next": None}
    file = client.get(f"/models/{model_id}/files/photo_to_label.safetensors")
    assert file.content == WEIGHTS
    assert file.headers["etag"] == f'"{model["files"][0]["sha256"]}"'
    assert "attachment" in file.headers["content-disposition"]
    assert client.get(f"/models/{model_id}/files/spec.json").headers["content-type"] == "application/json"
    assert slug(client.get(f"/models/{model_id}/files/secret")) == "not-found"


def test_an_evaluation_is_ordered_and_kept_with_the_model(client: Client, model_id: str) -> None:
    """It needs annotated images in its split and a model of its pool; its scores appear with the model."""
    pool_id = client.get(f"/models/{model_id}").json()["pool_id"]
    order = {"model_id": model_id, "split": "test"}
    assert slug(client.post(f"/pools/{pool_id}/evaluations", json=order)) == "no-annotations"
    annotate(client, put_photo(client, pool_id, "t.jpg", photo(3), split="test")["id"])
    assert slug(client.post(f"/pools/{new_pool(client)}/evaluations", json=order)) == "not-found"
    unknown = {**order, "model_id": str(uuid.uuid4())}
    assert slug(client.post(f"/pools/{pool_id}/evaluations", json=unknown)) == "not-found"
    job = client.post(f"/pools/{pool_id}/evaluations", json=order)
    assert job.status_code == 202
    with client.service.database.write() as session:
        trainings.add_evaluation(
            session,
            id=uuid.uuid4(),
            model_id=uuid.UUID(model_id),
            job_id=uuid.UUID(job.json()["id"]),
            split="test",
            metrics={"mean_iou": 0.5},
        )
    [evaluation] = client.get(f"/models/{model_id}").json()["evaluations"]
    assert (evaluation["split"], evaluation["metrics"]) == ("test", {"mean_iou": 0.5})


def test_a_translation_is_a_job_whose_image_can_be_had_later(client: Client, model_id: str) -> None:
    """202 while it waits; then the label map, or the RGB translation; asked again with its key, the image."""
    key = {"Idempotency-Key": str(uuid.uuid4())}
    waiting = client.post(f"/models/{model_id}/translate", content=photo(1), headers=key)
    assert waiting.status_code == 202
    job = waiting.json()
    with client.service.database.read() as session:
        row = jobs.get(session, uuid.UUID(job["id"]))
    assert row
    assert set(row.spec) == {"model_id", "sha256", "name"}
    output = f"/jobs/{job['id']}/output"
    assert slug(client.get(output)) == "job-not-finished"
    result = {"label_map": kept(client, label_map()), "rgb": kept(client, photo(2, "PNG"))}
    succeed(client, job["id"], result)
    again = client.post(f"/models/{model_id}/translate", content=photo(1), headers=key)
    assert (again.status_code, again.headers["content-type"]) == (200, "image/png")
    assert again.content == client.get(output).content == label_map()
    assert client.get(output, params={"format": "rgb"}).content == photo(2, "PNG")
    other = client.post(f"/models/{model_id}/translate", content=photo(2), headers=key)
    assert slug(other) == "idempotency-key-reused"


def test_an_rgb_pool_has_no_label_maps(client: Client) -> None:
    """Its translation is the RGB image, and asking for a label map says so."""
    model_id = add_model(client, "rgb")
    assert slug(client.post(f"/models/{model_id}/translate?format=label_map", content=photo())) == "not-found"
    job = client.post(f"/models/{model_id}/translate", content=photo()).json()
    succeed(client, job["id"], {"label_map": None, "rgb": kept(client, photo(2, "PNG"))})
    assert client.get(f"/jobs/{job['id']}/output").content == photo(2, "PNG")
    assert slug(client.get(f"/jobs/{job['id']}/output?format=label_map")) == "not-found"


def test_a_translation_that_failed_or_was_cancelled_says_so(client: Client, model_id: str) -> None:
    """The job's error is part of the problem."""
    job = client.post(f"/models/{model_id}/translate", content=photo(1)).json()
    fail(client, job["id"])
    refused = client.get(f"/jobs/{job['id']}/output")
    assert (slug(refused), refused.json()["error"]["type"]) == ("job-failed", "training-diverged")
    job = client.post(f"/models/{model_id}/translate", content=photo(1)).json()
    client.post(f"/jobs/{job['id']}/cancel")
    assert slug(client.get(f"/jobs/{job['id']}/output")) == "job-failed"


def test_only_photos_are_translated(client: Client, model_id: str) -> None:
    """A bad file is refused as in an upload, and no job is ordered."""
    before = client.get("/jobs").json()
    assert slug(client.post(f"/models/{model_id}/translate", content=b"text")) == "not-an-image"
    assert slug(client.post(f"/models/{uuid.uuid4()}/translate", content=photo())) == "not-found"
    assert client.get("/jobs").json() == before
