"""Models: their files, translations and imports."""

import io
import uuid
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from store import blobs, jobs
from store.settings import Settings
from tests.service.serving import Client, serve
from tests.service.steps import (
    CLASSES,
    WEIGHTS,
    add_model,
    annotate,
    encoded,
    everything,
    fail,
    label_map,
    new_pool,
    photo,
    put_photo,
    slug,
    succeed,
)


def model_of(client: Client, class_table: Any = CLASSES) -> str:
    """Make a hybrid model in its own pool."""
    pool_id = new_pool(client, class_table)
    image = put_photo(client, pool_id, "a.jpg")
    annotate(client, image["id"], label_map() if class_table != "rgb" else photo(5))
    return add_model(client, pool_id)


@pytest.fixture
def model_id(client: Client) -> str:
    return model_of(client)


def kept(client: Client, content: bytes) -> dict[str, Any]:
    blob = blobs.put(client.service.blobs, [content])
    return {"sha256": blob.sha256, "size": blob.size}


def test_a_model_says_how_long_its_label_maps_took(client: Client) -> None:
    """The seconds of all revisions up to the one that it learned from, over its pairs; null if none was
    measured.
    """
    pool_id = new_pool(client)
    first, second = (put_photo(client, pool_id, name, photo(at))["id"] for at, name in enumerate(("a", "b")))
    for image, value, seconds in ((first, 1, 30), (first, 0, 12.5), (first, 1, 100), (second, 1, 7)):
        address = f"/images/{image}/annotation"
        before = client.get(address)
        header = {"If-Match": before.headers["etag"]} if before.is_success else {"If-None-Match": "*"}
        params = {"active_seconds": seconds}
        assert client.put(address, content=label_map(value), params=params, headers=header).is_success
    model_id = add_model(client, pool_id, pairs=[[first, 2], [second, 1]])
    assert client.get(f"/models/{model_id}").json()["labelling_seconds"] == 30 + 12.5 + 7
    other = add_model(client, pool_id, pairs=[])
    assert client.get(f"/models/{other}").json()["labelling_seconds"] is None


def test_a_models_files_can_be_downloaded(client: Client, model_id: str) -> None:
    """The record lists each file with size and digest; the bytes come as a download with an ETag."""
    model = client.get(f"/models/{model_id}").json()
    names = [file["name"] for file in model["files"]]
    assert names == ["label_to_photo.safetensors", "photo_to_label.safetensors", "spec.json"]
    assert (model["method"], model["spec"], model["evaluations"]) == ("hybrid", {"recipe": "tiny"}, [])
    assert client.get(f"/pools/{model['pool_id']}/models").json()["items"] == [model]
    file = client.get(f"/models/{model_id}/files/photo_to_label.safetensors")
    assert file.content == WEIGHTS
    assert file.headers["etag"] == f'"{model["files"][1]["sha256"]}"'
    assert "attachment" in file.headers["content-disposition"]
    assert client.get(f"/models/{model_id}/files/spec.json").headers["content-type"] == "application/json"
    assert slug(client.get(f"/models/{model_id}/files/secret")) == "not-found"


def test_a_translation_is_a_job_whose_image_can_be_fetched_later(client: Client, model_id: str) -> None:
    """The answer is 202 while the job waits. Then the output is the label map, or the RGB translation; the
    same request with its key gives the image."""
    key = {"Idempotency-Key": str(uuid.uuid4())}
    waiting = client.post(f"/models/{model_id}/translate", content=photo(1), headers=key)
    assert waiting.status_code == 202
    job = waiting.json()
    with client.service.database.read() as session:
        row = jobs.get(session, uuid.UUID(job["id"]))
    assert row
    assert set(row.spec) == {"model_id", "sha256", "direction", "test_time", "name", "size_bytes"}
    assert (row.spec["direction"], row.spec["test_time"]) == ("photos_to_labels", "none")
    output = f"/jobs/{job['id']}/output"
    assert slug(client.get(output)) == "job-not-finished"
    result = {"label_map": kept(client, label_map()), "rgb": kept(client, photo(2, "PNG"))}
    succeed(client, job["id"], result)
    again = client.post(f"/models/{model_id}/translate", content=photo(1), headers=key)
    assert (again.status_code, again.headers["content-type"]) == (200, "image/png")
    assert again.content == client.get(output).content
    with Image.open(io.BytesIO(again.content)) as drawn, Image.open(io.BytesIO(label_map())) as made:
        assert (drawn.mode, drawn.tobytes()) == ("P", made.tobytes())
    assert client.get(output, params={"format": "rgb"}).content == photo(2, "PNG")
    other = client.post(f"/models/{model_id}/translate", content=photo(2), headers=key)
    assert slug(other) == "idempotency-key-reused"


def test_a_label_map_is_shown_in_the_colours_of_now(client: Client) -> None:
    """A translation is a valid palette PNG of the same indices, unlabelled pixels in the table's colour for
    them; after a class is recoloured it is another file of the same indices.
    """
    table = {**CLASSES, "ignore_color": [9, 9, 9]}
    model_id = model_of(client, table)
    pool_id = client.get(f"/models/{model_id}").json()["pool_id"]
    job = client.post(f"/models/{model_id}/translate", content=photo(1)).json()
    stored = encoded(Image.frombytes("L", (4, 2), bytes([0, 1, 1, 255, 0, 0, 1, 255])), "PNG")
    succeed(client, job["id"], {"label_map": kept(client, stored), "rgb": kept(client, photo(2, "PNG"))})
    seen = []
    for color in ([64, 0, 128], [1, 2, 3]):
        answer = client.get(f"/jobs/{job['id']}/output")
        with Image.open(io.BytesIO(answer.content)) as shown:
            shown.verify()
        with Image.open(io.BytesIO(answer.content)) as shown:
            assert list(shown.tobytes()) == [0, 1, 1, 255, 0, 0, 1, 255]
            pixels = [shown.convert("RGB").getpixel((x, 0)) for x in (0, 1, 3)]
        assert pixels == [(128, 64, 128), tuple(color), (9, 9, 9)]
        assert int(answer.headers["content-length"]) == len(answer.content)
        known = {"If-None-Match": answer.headers["etag"]}
        assert client.get(f"/jobs/{job['id']}/output", headers=known).status_code == 304
        seen.append(answer.headers["etag"])
        client.patch(f"/pools/{pool_id}/class_table", json={"change": {"car": {"color": [1, 2, 3]}}})
    assert len(set(seen)) == 2


def test_a_translation_may_average_views(client: Client, model_id: str) -> None:
    """The job's spec names the views; unknown ones are refused with those that there are."""
    address = f"/models/{model_id}/translate"
    job = client.post(address, params={"test_time": "scales"}, content=photo(1)).json()
    with client.service.database.read() as session:
        row = jobs.get(session, uuid.UUID(job["id"]))
    assert row
    assert row.spec["test_time"] == "scales"
    refused = client.post(address, params={"test_time": "twice"}, content=photo(1))
    assert refused.status_code == 422
    assert "'none', 'flip' or 'scales'" in refused.text


def test_an_rgb_pool_has_no_label_maps(client: Client) -> None:
    """The translation is an RGB image, and a request for a label map is refused."""
    model_id = model_of(client, "rgb")
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
    """A bad file is refused as in an upload, and no job is created."""
    before = client.get("/jobs").json()
    assert slug(client.post(f"/models/{model_id}/translate", content=b"text")) == "not-an-image"
    assert slug(client.post(f"/models/{uuid.uuid4()}/translate", content=photo())) == "not-found"
    assert client.get("/jobs").json() == before


def test_a_label_map_becomes_a_photo(client: Client, model_id: str) -> None:
    """The other direction takes a label map of the pool's classes, and its output is an RGB image."""
    address = f"/models/{model_id}/translate?direction=labels_to_photos"
    assert slug(client.post(address, content=label_map(7))) == "label-map-unknown-class"
    assert slug(client.post(address, content=photo())) == "label-map-format"
    assert slug(client.post(f"{address}&format=label_map", content=label_map())) == "not-found"
    job = client.post(address, content=label_map()).json()
    with client.service.database.read() as session:
        row = jobs.get(session, uuid.UUID(job["id"]))
    assert row
    assert row.spec["direction"] == "labels_to_photos"
    succeed(client, job["id"], {"label_map": None, "rgb": kept(client, photo(2, "PNG"))})
    assert client.get(f"/jobs/{job['id']}/output").content == photo(2, "PNG")


def test_a_model_of_one_direction_refuses_the_other(client: Client) -> None:
    """fcn8s and imported models make no photos; the refusal names methods that do."""
    pool_id = new_pool(client)
    annotate(client, put_photo(client, pool_id, "a.jpg")["id"])
    imported = client.post(f"/pools/{pool_id}/models", content=b"onnx").json()["id"]
    for model_id in (add_model(client, pool_id, "fcn8s"), imported):
        refused = client.post(f"/models/{model_id}/translate?direction=labels_to_photos", content=label_map())
        assert (refused.status_code, slug(refused)) == (409, "no-such-direction")
        assert "hybrid" in refused.json()["detail"]


def test_a_model_is_imported(client: Client) -> None:
    """The ONNX file and a spec with the pool's classes become a named model without a job."""
    pool_id = new_pool(client)
    made = client.post(f"/pools/{pool_id}/models?name=scorer.onnx", content=b"onnx")
    assert made.status_code == 201
    model = made.json()
    assert made.headers["location"] == f"/models/{model['id']}"
    assert (model["method"], model["name"], model["job_id"]) == ("onnx", "scorer.onnx", None)
    assert model["spec"] == {"onnx": "model.onnx", "class_table": CLASSES}
    assert client.get(f"/models/{model['id']}/files/model.onnx").content == b"onnx"
    assert client.get(f"/models/{model['id']}/files/spec.json").json() == model["spec"]
    assert client.get(f"/pools/{pool_id}/models").json()["items"] == [model]


def test_an_import_sent_again_is_one_model(client: Client) -> None:
    """Same name and bytes give the same model; another file with the name, or an empty one, is refused."""
    pool_id = new_pool(client)
    address = f"/pools/{pool_id}/models"
    first = client.post(f"{address}?name=a", content=b"onnx")
    again = client.post(f"{address}?name=a", content=b"onnx")
    assert (again.status_code, again.json()) == (200, first.json())
    before = client.get(address).json()
    other = client.post(f"{address}?name=a", content=b"other")
    assert (other.status_code, slug(other)) == (409, "name-taken")
    assert slug(client.post(address, content=b"")) == "invalid-model"
    assert slug(client.post(f"{address}?name=a/b", content=b"onnx")) == "invalid-name"
    assert client.get(address).json() == before
    nameless = [client.post(address, content=b"nameless") for _ in range(2)]
    assert [answer.status_code for answer in nameless] == [201, 200]
    assert slug(client.post(f"/pools/{uuid.uuid4()}/models", content=b"onnx")) == "not-found"


def test_an_import_larger_than_allowed_is_refused(tmp_path: Path) -> None:
    """Imported models have their own limit, which the refusal names; nothing is kept."""
    with serve(Settings(data_dir=tmp_path, broker_url="memory://", max_model_bytes=100)) as client:
        pool_id = new_pool(client)
        before = everything(client, pool_id)
        refused = client.post(f"/pools/{pool_id}/models", content=b"x" * 101)
        assert (refused.status_code, slug(refused)) == (413, "file-too-large")
        assert "FEWPAIRS_MAX_MODEL_BYTES" in refused.json()["detail"]
        assert everything(client, pool_id) == before
