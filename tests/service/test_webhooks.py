"""Webhooks of a pool: made, listed, pinged, deleted."""

from pathlib import Path
from typing import Any

import pytest

from service.webhooks.routes import MOST_OF_A_POOL
from store.settings import Settings
from tests.conftest import NO_BROKER
from tests.service.serving import Client, serve
from tests.service.steps import annotate, label_map, new_pool, put_photo, slug, succeed

URL = "https://example.org/hook"


def create(client: Client, pool_id: str, **values: Any) -> Any:
    return client.post(f"/pools/{pool_id}/webhooks", json={"url": URL, **values})


def messages(client: Client, pool_id: str, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    """What was or is to be sent, oldest first."""
    answer = client.get(f"/pools/{pool_id}/webhooks/{webhook['id']}/deliveries")
    return [delivery["message"] for delivery in reversed(answer.json()["items"])]


def test_a_webhook_is_made_and_deleted(client: Client) -> None:
    """Its secret is shown once; both acts are events; another pool does not find it."""
    pool_id = new_pool(client)
    made = create(client, pool_id, types=["job.ended"])
    assert made.status_code == 201
    webhook = made.json()
    assert webhook.pop("secret").startswith("whsec_")
    address = f"/pools/{pool_id}/webhooks"
    assert client.get(address).json()["items"] == [webhook]
    assert slug(client.delete(f"/pools/{new_pool(client)}/webhooks/{webhook['id']}")) == "not-found"
    assert client.delete(f"{address}/{webhook['id']}").status_code == 204
    assert slug(client.delete(f"{address}/{webhook['id']}")) == "not-found"
    assert client.get(address).json()["items"] == []
    events = client.get(f"/pools/{pool_id}/events", params={"kind": "webhook"}).json()["items"]
    assert [event["action"] for event in events] == ["deleted", "created"]


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://example.org/", "example.org", "https://", "https://user:secret@example.org/", "http://[::1"),
        *("http://example.org:99999/", "https://example.org/#part", "https://ex ample.org/", "http://x\ny/"),
        *("https://bücher.example/", "https://example.org/" + "a" * 1000),
    ],
)
def test_an_address_that_cannot_be_one_is_refused(client: Client, url: str) -> None:
    """With 422, before anything is sent."""
    assert create(client, new_pool(client), url=url).status_code == 422


def test_a_pool_has_few_webhooks(client: Client) -> None:
    """So that one annotation does not become a thousand messages."""
    pool_id = new_pool(client)
    for _ in range(MOST_OF_A_POOL):
        assert create(client, pool_id).status_code == 201
    assert slug(create(client, pool_id)) == "too-many-webhooks"


def test_acts_are_told(client: Client) -> None:
    """An annotation, and the end of a job, once each, to the webhooks that ask for it; what is refused is
    not."""
    pool_id = new_pool(client)
    of_all, of_jobs = create(client, pool_id).json(), create(client, pool_id, types=["job.ended"]).json()
    image = put_photo(client, pool_id, "a.jpg")
    annotate(client, image["id"])
    twice = client.put(
        f"/images/{image['id']}/annotation", content=label_map(), headers={"If-None-Match": "*"}
    )
    assert twice.status_code == 412
    job = client.post(f"/pools/{pool_id}/trainings", json={"method": "hybrid"}).json()
    succeed(client, job["id"], {"model_id": "m"})
    told = messages(client, pool_id, of_all)
    assert [message["type"] for message in told] == ["annotation.made", "job.ended"]
    assert told[0]["data"] == {"pool_id": pool_id, "image_id": image["id"], "revision": 1}
    assert told[1]["data"] == {"pool_id": pool_id, "job_id": job["id"], "kind": "train", "state": "succeeded"}
    assert [message["type"] for message in messages(client, pool_id, of_jobs)] == ["job.ended"]
    kinds = {one["kind"] for one in client.get("/jobs", params={"pool": pool_id}).json()["items"]}
    assert "deliver" not in kinds
    assert len(client.get("/jobs", params={"pool": pool_id, "kind": "deliver"}).json()["items"]) == 3


def test_a_ping_is_a_message_of_its_own(client: Client) -> None:
    """It is sent whatever the webhook asks for; the answer is its job."""
    pool_id = new_pool(client)
    webhook = create(client, pool_id).json()
    answer = client.post(f"/pools/{pool_id}/webhooks/{webhook['id']}/ping")
    assert answer.status_code == 202
    [delivery] = client.get(f"/pools/{pool_id}/webhooks/{webhook['id']}/deliveries").json()["items"]
    assert (delivery["message"]["type"], delivery["state"], delivery["attempts"]) == ("ping", "queued", 0)
    assert delivery["next_attempt_at"]
    assert answer.headers["location"] == f"/jobs/{delivery['id']}"


def test_pings_are_of_ones_jobs(tmp_path: Path) -> None:
    """Nobody fills the queue with them: they count as jobs of who asks, until they have ended."""
    settings = Settings(data_dir=tmp_path, broker_url=NO_BROKER, max_jobs=1)
    with serve(settings) as client:
        pool_id = new_pool(client)
        address = f"/pools/{pool_id}/webhooks/{create(client, pool_id).json()['id']}/ping"
        ping = client.post(address)
        assert ping.status_code == 202
        refused = client.post(address)
        assert (refused.status_code, slug(refused)) == (429, "too-many-requests")
        succeed(client, ping.json()["id"], {"status": 200})
        assert client.post(address).status_code == 202
