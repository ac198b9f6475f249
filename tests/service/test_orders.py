"""Ordering trainings and evaluations."""

import math
import typing
import uuid
from dataclasses import fields
from typing import Any

import pytest

from models.recipes import METHODS, RECIPES
from models.selection import STRATEGIES
from models.spec import CHOICES, TrainingSpec
from service.jobs.orders import NEEDS_PAIRS
from service.jobs.schemas import Method, Recipe, TrainingOptions
from service.selections.schemas import Strategy
from store import jobs
from tests.service.serving import Client
from tests.service.steps import annotate, label_map, new_pool, photo, put_photo, slug


def spec_of(client: Client, job: dict[str, Any]) -> dict[str, Any]:
    with client.service.database.read() as session:
        row = jobs.get(session, uuid.UUID(job["id"]))
        assert row
        return row.spec


def test_a_training_freezes_the_newest_revisions(client: Client) -> None:
    """The pairs are fixed when the training is ordered, so every attempt learns from the same."""
    pool_id = new_pool(client)
    images = [put_photo(client, pool_id, f"{n}.jpg", photo(n)) for n in range(3)]
    test = put_photo(client, pool_id, "t.jpg", photo(9), split="test")
    for image in (*images[:2], test):
        annotate(client, image["id"])
    client.put(f"/images/{images[1]['id']}/annotation", content=label_map(0), headers={"If-Match": '"1"'})
    order = {"method": "hybrid", "recipe": "tiny", "options": {"total_steps": 7, "seed": 3}}
    job = client.post(f"/pools/{pool_id}/trainings", json=order)
    assert (job.status_code, job.headers["location"]) == (202, f"/jobs/{job.json()['id']}")
    pairs = [[images[0]["id"], 1], [images[1]["id"], 2]]
    assert spec_of(client, job.json()) == {**order, "pairs": pairs}
    annotate(client, images[2]["id"])
    assert spec_of(client, job.json())["pairs"] == pairs
    some = client.post(f"/pools/{pool_id}/trainings", json={"pairs": [images[2]["id"]]}).json()
    assert spec_of(client, some)["pairs"] == [[images[2]["id"], 1]]


def test_cyclegan_learns_from_label_maps_alone(client: Client) -> None:
    """Unpaired label maps, or annotated ones, are enough for it."""
    pool_id = new_pool(client)
    put_photo(client, pool_id, "a.jpg")
    order = {"method": "cyclegan"}
    assert slug(client.post(f"/pools/{pool_id}/trainings", json=order)) == "no-unpaired-label-maps"
    client.put(f"/pools/{pool_id}/labels/a.png", content=label_map())
    assert client.post(f"/pools/{pool_id}/trainings", json=order).status_code == 202


def test_a_repeated_order_is_one_job(client: Client) -> None:
    """The same key and body give the same job; another body, pool or kind under that key is refused."""
    pool_id, other = new_pool(client), new_pool(client)
    for pool in (pool_id, other):
        annotate(client, put_photo(client, pool, "a.jpg")["id"])
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = client.post(f"/pools/{pool_id}/trainings", json={}, headers=key)
    again = client.post(f"/pools/{pool_id}/trainings", json={"method": "hybrid"}, headers=key)
    assert again.json() == first.json()
    changed = client.post(f"/pools/{pool_id}/trainings", json={"method": "pix2pix"}, headers=key)
    assert (changed.status_code, slug(changed)) == (422, "idempotency-key-reused")
    elsewhere = client.post(f"/pools/{other}/trainings", json={}, headers=key)
    assert slug(elsewhere) == "idempotency-key-reused"
    fresh = client.post(f"/pools/{pool_id}/trainings", json={})
    assert fresh.json()["id"] != first.json()["id"]
    assert len(client.get("/jobs", params={"pool": pool_id, "kind": "train"}).json()["items"]) == 2


def _bounds(name: str) -> tuple[float, float]:
    """The limits of an option in the schema of the API."""
    schema = TrainingOptions.model_json_schema()["properties"][name]
    number = next(part for part in schema["anyOf"] if part["type"] != "null")
    return number["minimum"], number["maximum"]


def test_the_api_knows_what_the_models_know() -> None:
    """Methods, recipes, strategies and options are those of the models' room, which the API cannot import."""
    assert set(typing.get_args(Method)) <= set(METHODS)
    assert set(typing.get_args(Recipe)) <= set(RECIPES)
    assert set(typing.get_args(Strategy)) <= set(STRATEGIES)
    assert set(NEEDS_PAIRS) <= set(METHODS)
    options = {field.name for field in fields(TrainingSpec)} - {"recipe", "method"}
    assert set(TrainingOptions.model_fields) == options


NUMBERS = [field for field in fields(TrainingSpec) if "low" in field.metadata]


@pytest.mark.parametrize("field", NUMBERS, ids=lambda field: field.name)
def test_the_api_takes_the_numbers_that_the_models_take(field: Any) -> None:
    """An option's range in the API is the one its training accepts, or inside it where that has no end."""
    low, high = _bounds(field.name)
    assert low == field.metadata["low"]
    assert high == (1e9 if math.isinf(field.metadata["high"]) else field.metadata["high"])


@pytest.mark.parametrize("name", CHOICES)
def test_the_api_takes_the_words_that_the_models_take(name: str) -> None:
    """An option with choices offers exactly those of the training."""
    schema = TrainingOptions.model_json_schema()["properties"][name]
    assert next(part for part in schema["anyOf"] if "enum" in part)["enum"] == list(CHOICES[name])
