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


def test_a_stream_goes_on_where_it_was_lost(client: Client) -> None:
    """With the id of the last event, what was done since arrives, and jobs that are at work or have ended;
    with the id of another pool's event, nothing that happened before.
    """
    pool_id, images = embedded_pool(client)
    strangers_id, _ = embedded_pool(client)
    address = f"/pools/{pool_id}/events/stream"
    last = ids_of(client.get(address, params={"for_s": 0}))[0]
    client.patch(f"/images/{images[0]['id']}", json={"excluded": True}).raise_for_status()
    at_work = client.get(f"/pools/{pool_id}/select", params={"budget": 1}).json()["id"]
    ended = client.get(f"/pools/{pool_id}/select", params={"budget": 2}).json()["id"]
    succeed(client, ended, {"selection_id": "s"})
    again = client.get(address, params={"for_s": 0}, headers={"Last-Event-ID": last})
    acts = [data for kind, data in told(again) if kind == "event"]
    assert [act["subject_id"] for act in acts][-3:] == [images[0]["id"], at_work, ended]
    jobs = {data["id"]: data["state"] for kind, data in told(again) if kind == "job"}
    assert (jobs[at_work], jobs[ended]) == ("queued", "succeeded")
    assert ids_of(again)[-1] == acts[-1]["id"]
    strange = client.get(
        f"/pools/{strangers_id}/events/stream", params={"for_s": 0}, headers={"Last-Event-ID": last}
    )
    assert [kind for kind, _ in told(strange)] == ["following"]


def ids_of(response: httpx.Response) -> list[str]:
    return [line.removeprefix("id: ") for line in response.text.splitlines() if line.startswith("id: ")]
