"""What happens in a pool, as a stream."""

import json
from collections.abc import Iterator
from typing import Any

import httpx

from tests.service.serving import Client
from tests.service.steps import embedded_pool, put_photo, slug, succeed

LONG_S = 60


def told(response: httpx.Response) -> Iterator[tuple[str, Any]]:
    """The (event, data) pairs of a stream, as they arrive."""
    event = ""
    for line in response.iter_lines():
        name, _, value = line.partition(": ")
        if name == "event":
            event = value
        elif name == "data":
            yield event, json.loads(value)


def test_a_stream_tells_what_happens_in_the_pool(client: Client) -> None:
    """Acts with their subjects, and jobs with their states, of this pool alone and from now on."""
    pool_id, images = embedded_pool(client)
    _, strangers = embedded_pool(client)
    address = f"/pools/{pool_id}/events/stream?for_s={LONG_S}"
    with client.stream("GET", address) as response:
        stream = told(response)
        assert next(stream) == ("following", {"pool_id": pool_id})
        client.patch(f"/images/{strangers[0]['id']}", json={"excluded": True}).raise_for_status()
        client.patch(f"/images/{images[0]['id']}", json={"excluded": True}).raise_for_status()
        kind, act = next(stream)
        assert (kind, act["action"], act["subject_id"]) == ("event", "excluded", images[0]["id"])
        job = client.get(f"/pools/{pool_id}/select", params={"budget": 1}).json()
        seen = [next(stream), next(stream)]
        assert {kind for kind, _ in seen} == {"event", "job"}
        assert dict(seen)["job"]["id"] == dict(seen)["event"]["subject_id"] == job["id"]
        succeed(client, job["id"], {"selection_id": "s"})
        kind, ended = next(stream)
        assert (kind, ended["id"], ended["state"]) == ("job", job["id"], "succeeded")
        new = put_photo(client, pool_id, "new.jpg")
        assert next(act for kind, act in stream if kind == "event")["subject_id"] == new["id"]


def test_a_stream_ends_in_time(client: Client) -> None:
    """After as many seconds as it is asked for; and there is none of a pool that is not there."""
    pool_id, _ = embedded_pool(client)
    answer = client.get(f"/pools/{pool_id}/events/stream", params={"for_s": 0})
    assert [event for event, _ in told(answer)] == ["following"]
    missing = client.get(f"/pools/{pool_id[:-4]}0000/events/stream", params={"for_s": 0})
    assert slug(missing) == "not-found"
