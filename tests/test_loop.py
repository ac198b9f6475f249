"""The main loop over HTTP, as deployed: two APIs, two workers and Valkey, on each database."""

import hashlib
import itertools
import time
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.access import WITH_KEY
from tests.conftest import POSTGRESQL_FIRST
from tests.drawings import CLASS_TABLE, drawing, png
from tests.processes import deployment

TRAIN, TEST, UNPAIRED = range(16), range(100, 105), range(200, 208)
BUDGET = 4
TINY = {"total_steps": 6, "channels": 4, "blocks": 1, "log_every": 2, "checkpoint_every": 4}


class Apis:
    """Sends each request to another API process than the one before: they share everything."""

    def __init__(self, addresses: list[str]) -> None:
        clients = [httpx.Client(base_url=address, headers=WITH_KEY, timeout=30) for address in addresses]
        self._clients = itertools.cycle(clients)

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        return next(self._clients).request(method, path, **options)

    def __call__(self, method: str, path: str, status: int, **options: Any) -> httpx.Response:
        response = self.send(method, path, **options)
        assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text}"
        return response

    def close(self) -> None:
        for client in {next(self._clients) for _ in range(8)}:
            client.close()


def ended(api: Apis, job: dict[str, Any]) -> dict[str, Any]:
    """Wait until the job has succeeded. Returns it."""
    give_up = time.monotonic() + 120
    while job["state"] in ("queued", "running"):
        assert time.monotonic() < give_up, f"still not ended: {job}"
        time.sleep(0.1)
        job = api("GET", f"/jobs/{job['id']}", 200).json()
    assert job["state"] == "succeeded", job
    return job


def fill(api: Apis) -> str:
    pool = api("POST", "/pools", 201, json={"name": "drawings", "class_table": CLASS_TABLE}).json()["id"]
    for split, seeds in (("train", TRAIN), ("test", TEST)):
        for seed in seeds:
            content, params = png(drawing(seed)[0]), {"split": split}
            api("PUT", f"/pools/{pool}/images/{seed}.png", 201, content=content, params=params)
    for seed in UNPAIRED:
        api("PUT", f"/pools/{pool}/labels/{seed}.png", 201, content=png(drawing(seed)[1]))
    return str(pool)


def select(api: Apis, pool: str) -> dict[str, Any]:
    """Ask for a selection until the pool is embedded and the answer is there."""
    give_up = time.monotonic() + 60
    while True:
        response = api.send("GET", f"/pools/{pool}/select", params={"budget": BUDGET})
        if response.status_code == 200:
            return dict(response.json())
        assert response.status_code in (202, 409), response.text
        assert time.monotonic() < give_up, response.text
        time.sleep(0.1)


def annotate(api: Apis, image_id: str, seed: int) -> None:
    headers = {"If-None-Match": "*"}
    api("PUT", f"/images/{image_id}/annotation", 201, content=png(drawing(seed)[1]), headers=headers)


def train(api: Apis, pool: str) -> dict[str, Any]:
    body = {"method": "hybrid", "recipe": "tiny", "options": TINY, "pairs": None}
    headers = {"Idempotency-Key": "the one training"}
    answers = [api("POST", f"/pools/{pool}/trainings", 202, json=body, headers=headers) for _ in range(2)]
    first, again = (answer.json() for answer in answers)
    assert first["id"] == again["id"], "the same key made two trainings"
    assert answers[0].headers["Location"].endswith(f"/jobs/{first['id']}")
    return ended(api, first)


def translated(api: Apis, model: str, seed: int) -> NDArray[np.uint8]:
    response = api.send("POST", f"/models/{model}/translate", content=png(drawing(seed)[0]))
    if response.status_code == 202:
        job = ended(api, response.json())
        response = api("GET", f"/jobs/{job['id']}/output", 200, params={"format": "label_map"})
    assert response.headers["Content-Type"] == "image/png", response.text
    return np.asarray(Image.open(BytesIO(response.content)))


def expected_metrics(label_maps: dict[int, NDArray[np.uint8]]) -> dict[str, float]:
    """The paper's metrics of the translated label maps, computed from sets of pixels."""
    truth = np.concatenate([drawing(seed)[1].ravel() for seed in label_maps])
    drawn = np.concatenate([label_map.ravel() for label_map in label_maps.values()])
    truth, drawn = truth[truth != 255], drawn[truth != 255]
    accuracies, ious = [], []
    for index in range(len(CLASS_TABLE["classes"])):
        hits = np.sum((truth == index) & (drawn == index))
        accuracies.append(hits / max(1, np.sum(truth == index)))
        ious.append(hits / max(1, np.sum((truth == index) | (drawn == index))))
    present = [iou for index, iou in enumerate(ious) if np.any(truth == index)]
    return {
        "pixel_accuracy": float(np.mean(truth == drawn)),
        "mean_accuracy": float(np.mean(accuracies)),
        "mean_iou": float(np.mean(ious)),
        "mean_iou_present": float(np.mean(present)),
    }


@POSTGRESQL_FIRST
def test_the_loop_runs_from_a_pool_to_a_label_map(tmp_path: Path, database_url: str) -> None:
    """It goes from POST /pools to a translated label map; the metrics equal an independent computation."""
    with deployment(tmp_path, database_url) as addresses, closing(Apis(addresses)) as api:
        pool = fill(api)
        selection = select(api, pool)
        names = {pick["name"] for pick in selection["picks"]}
        assert len(names) == BUDGET
        assert names <= {f"{seed}.png" for seed in TRAIN}
        for pick in selection["picks"]:
            annotate(api, pick["image_id"], int(Path(pick["name"]).stem))
        for image in api("GET", f"/pools/{pool}/images", 200, params={"split": "test"}).json()["items"]:
            annotate(api, image["id"], int(Path(image["name"]).stem))

        training = train(api, pool)
        lines = api("GET", f"/jobs/{training['id']}/metrics", 200).json()["items"]
        assert [line["step"] for line in lines] == [2, 4, 6]
        assert [line["step"] for line in lines if "validation" in line] == [6]
        model = api("GET", f"/models/{training['result']['model_id']}", 200).json()
        assert len(model["receipt"]["pairs"]) == BUDGET
        assert "photo_to_label.safetensors" in {file["name"] for file in model["files"]}
        for file in model["files"]:
            content = api("GET", f"/models/{model['id']}/files/{file['name']}", 200).content
            assert hashlib.sha256(content).hexdigest() == file["sha256"], file["name"]

        body = {"model_id": model["id"], "split": "test"}
        evaluation = ended(api, api("POST", f"/pools/{pool}/evaluations", 202, json=body).json())
        label_maps = {seed: translated(api, model["id"], seed) for seed in TEST}
        expected = expected_metrics(label_maps)
        measured = {name: evaluation["result"]["metrics"][name] for name in expected}
        assert measured == pytest.approx(expected, abs=1e-12)
