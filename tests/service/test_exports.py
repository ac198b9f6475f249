"""Exports over HTTP: what a pool has comes out in the formats of other tools, and goes in again."""

import io
import json
import uuid
import zipfile
from typing import Any

import numpy as np
import pytest
from PIL import Image

from formats.catalog import FORMATS
from store import blobs, evaluations
from store.tables import Evaluation, EvaluationImage, new_id
from tests import export_kinds as kinds
from tests.service.serving import Client
from tests.service.steps import (
    add_selection,
    annotate,
    embed,
    new_pool,
    photo,
    put_photo,
    selection_document,
    slug,
)
from tests.service.test_imports import order
from tests.service.working import work

SIZE = (kinds.WIDTH, kinds.HEIGHT)
NAMES = {
    "lake/0001.jpg": "train",
    "lake/0002.jpg": "test",
    "river/0001.png": "train",
    "river/0001.jpg": "train",
}
ASKED = {"cvat": {"background": None}, "voc": {"background": None}}
"""The labels that these formats have for what is not labelled."""


def drawn(number: int) -> Any:
    return np.roll(kinds.ids(), 3 * number, axis=1)


def filled(client: Client, annotated: bool = True) -> tuple[str, dict[str, dict[str, Any]]]:
    """A pool with four photos, all annotated or none, and their records by name."""
    pool_id = new_pool(client, kinds.LAKE)
    images = {}
    for number, (name, split) in enumerate(NAMES.items()):
        images[name] = put_photo(client, pool_id, name, photo(number, "PNG", SIZE), split)
        if annotated:
            annotate(client, images[name]["id"], kinds.png(drawn(number)))
    return pool_id, images


def exported(client: Client, pool_id: str, format: str, **params: Any) -> tuple[dict[str, Any], bytes]:
    """The result of an export, and its zip."""
    answer = client.post(f"/pools/{pool_id}/exports", params={"format": format, **params})
    assert answer.status_code == 202, answer.text
    job = work(client, answer.json()["id"])
    assert job["state"] == "succeeded", job["error"]
    response = client.get(job["result"]["address"])
    assert response.headers["content-type"] == "application/zip"
    return job["result"], response.content


def files_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("format", FORMATS)
def test_out_and_in_again(client: Client, format: str) -> None:
    """An export goes into another pool with the same photos, whose label maps are then the same bytes."""
    pool_id, images = filled(client)
    result, content = exported(client, pool_id, format)
    assert result["label_maps"] == {"annotations": len(NAMES)}
    other_id, others = filled(client, annotated=False)
    mapping = json.dumps(ASKED.get(format, {}))
    done = work(client, order(client, other_id, content, format, mapping=mapping).json()["id"])["result"]
    assert (done["taken"], done["refused"], done["unknown_labels"]) == (len(NAMES), 0, [])
    for name in NAMES:
        first, second = (
            client.get(f"/images/{of[name]['id']}/annotation").content for of in (images, others)
        )
        assert first == second


def test_only_what_counts_is_exported(client: Client) -> None:
    """The newest revision of each photo is exported, and no withdrawn one; earlier ones when asked."""
    pool_id, images = filled(client)
    address = f"/images/{images['lake/0001.jpg']['id']}/annotation"
    assert client.put(address, content=kinds.png(drawn(9)), headers={"If-Match": '"1"'}).status_code == 200
    client.delete(f"/images/{images['lake/0002.jpg']['id']}/annotation", headers={"If-Match": '"1"'})
    files = files_of(exported(client, pool_id, "png")[1])
    assert {path for path in files if path.endswith(".png")} == {
        "labels/lake/0001.png",
        "labels/river/0001.png.png",
        "labels/river/0001.jpg.png",
    }
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(files["labels/lake/0001.png"]))), drawn(9))
    result, content = exported(client, pool_id, "png", revisions=True)
    assert result["label_maps"] == {"annotations": 3, "revisions/1": 2}
    earlier = files_of(content)["revisions/1/labels/lake/0001.png"]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(earlier))), drawn(0))


def test_picks_and_predictions_are_added(client: Client) -> None:
    """`picks.json` has the newest selection's picks by rank; predictions are written like annotations."""
    pool_id, images = filled(client, annotated=False)
    embed(client, pool_id)
    asked = client.get(f"/pools/{pool_id}/select", params={"budget": 2}).json()
    picked = [images["river/0001.png"], images["lake/0001.jpg"]]
    add_selection(client, asked, selection_document(pool_id, picked))
    annotate(client, picked[0]["id"], kinds.png(drawn(0)))
    predictions = evaluated(client, pool_id, images["lake/0002.jpg"], drawn(5))
    result, content = exported(client, pool_id, "png", picks=True, predictions=predictions)
    assert result["label_maps"] == {"annotations": 1, "predictions": 1}
    files = files_of(content)
    assert json.loads(files["picks.json"])["picks"] == [
        {"rank": 1, "name": "river/0001.png"},
        {"rank": 2, "name": "lake/0001.jpg"},
    ]
    assert "annotations/labels/river/0001.png" in files
    predicted = Image.open(io.BytesIO(files["predictions/labels/lake/0002.png"]))
    assert np.array_equal(np.asarray(predicted), drawn(5))


def evaluated(client: Client, pool_id: str, image: dict[str, Any], predicted: Any) -> str:
    """The id of a new evaluation of one image, with its prediction, as a worker makes it."""
    model_id = client.post(f"/pools/{pool_id}/models", content=b"onnx").json()["id"]
    annotate(client, image["id"], kinds.png(drawn(1)))
    body = {"model_id": model_id, "split": "test"}
    job = client.post(f"/pools/{pool_id}/evaluations", json=body).json()
    client.delete(f"/images/{image['id']}/annotation", headers={"If-Match": '"1"'})
    blob = blobs.put(client.service.blobs, [kinds.png(predicted)])
    row = Evaluation(
        id=new_id(),
        model_id=uuid.UUID(model_id),
        job_id=uuid.UUID(job["id"]),
        split="test",
        direction="photos_to_labels",
        metrics={},
    )
    place = {"evaluation_id": row.id, "image_id": uuid.UUID(image["id"])}
    score = {"score": 1.0, "scores": {}, "sha256": blob.sha256, "size_bytes": blob.size}
    with client.service.database.write() as session:
        evaluations.add(session, row, [EvaluationImage(**place, **score)])
    return str(row.id)


def test_exports_that_cannot_be_made(client: Client) -> None:
    """Nothing annotated, no selection, no classes, an unknown evaluation: refused at once. A name that the
    format cannot hold fails the job with what to do.
    """
    empty, _ = filled(client, annotated=False)
    pool_id, _ = filled(client)

    def problem(pool: str, **params: Any) -> str:
        return slug(client.post(f"/pools/{pool}/exports", params={"format": "cvat", **params}))

    assert problem(empty) == "no-annotations"
    assert problem(pool_id, picks=True) == "no-selection"
    assert problem(pool_id, predictions=pool_id) == "not-found"
    assert problem(new_pool(client, "rgb")) == "invalid-export"
    table = {"classes": [{"name": "sea: deep"}]}
    image = put_photo(client, other := new_pool(client, table), "a.png", photo(1, "PNG", SIZE))
    annotate(client, image["id"], kinds.png(np.zeros(SIZE[::-1], np.uint8)))
    job = work(client, client.post(f"/pools/{other}/exports", params={"format": "cvat"}).json()["id"])
    assert (job["state"], job["error"]["type"]) == ("failed", "cannot-export")
    assert "sea: deep" in job["error"]["detail"]
