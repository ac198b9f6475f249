"""Asking what to do next with a pool."""

from pathlib import Path
from typing import Literal

import pytest

from service.advice import schemas
from store.settings import Settings
from tests import published
from tests.service.serving import Client, serve
from tests.service.steps import annotate, label_map, new_pool, photo, put_photo, slug


def test_advice_follows_from_the_pool(client: Client) -> None:
    """It counts train images, annotated and not; test images do not matter. First label, then train."""
    pool_id = new_pool(client)
    images = [put_photo(client, pool_id, f"{n}.jpg", photo(n)) for n in range(3)]
    annotate(client, put_photo(client, pool_id, "t.jpg", photo(9), split="test")["id"])
    first = client.get(f"/pools/{pool_id}/advice").json()
    assert (first["training"], first["preview"], first["paper"]) == (None, None, None)
    assert first["labels"]["budget"] == 3
    annotate(client, images[0]["id"])
    then = client.get(f"/pools/{pool_id}/advice").json()
    published.check(schemas.Advice, then)
    assert (then["situation"]["pairs"], then["situation"]["unpaired_photos"]) == (1, 2)
    assert then["training"]["reasons"]
    assert then["paper"]["method"] == "hybrid"
    assert then["labels"]["budget"] == 2


def test_an_advised_training_can_be_ordered(client: Client) -> None:
    """Method, recipe and options of every advised training are the body of an order, for both devices."""
    for pool_id, content in ((new_pool(client), label_map()), (new_pool(client, "rgb"), photo(5))):
        annotate(client, put_photo(client, pool_id, "a.jpg")["id"], content)
        for device in ("cpu", "cuda"):
            answer = client.get(f"/pools/{pool_id}/advice", params={"device": device}).json()
            assert answer["situation"]["device"] == device
            for part in filter(None, (answer["training"], answer["preview"], answer["paper"])):
                order = {name: part[name] for name in ("method", "recipe", "options")}
                made = client.post(f"/pools/{pool_id}/trainings", json=order)
                assert made.status_code == 202, made.text


@pytest.mark.parametrize(("setting", "device"), [("auto", "cpu"), ("cpu", "cpu"), ("cuda", "cuda")])
def test_the_device_is_that_of_the_settings(
    tmp_path: Path, setting: Literal["auto", "cpu", "cuda"], device: str
) -> None:
    """Without `device` the settings decide, and `auto` counts as a CPU."""
    with serve(Settings(data_dir=tmp_path, broker_url="memory://", device=setting)) as client:
        answer = client.get(f"/pools/{new_pool(client)}/advice")
        assert answer.json()["situation"]["device"] == device


def test_no_pool_no_advice(client: Client) -> None:
    """A pool that does not exist is a 404."""
    assert slug(client.get("/pools/01890000-0000-7000-8000-000000000000/advice")) == "not-found"
