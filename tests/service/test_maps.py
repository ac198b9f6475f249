"""The map of a pool: places that a job computes, and marks of the moment."""

import json
import uuid

from store import blobs, uncertainties
from tests.service.serving import Client
from tests.service.steps import add_model, annotate, embedded_pool, new_pool, slug, succeed


def test_a_map_has_the_marks_of_the_moment(client: Client) -> None:
    """The places of the job, and in the same order which photos are labelled, excluded and deleted, the share
    of a class, and the doubts of a model; the answer has a tag.
    """
    pool_id, images = embedded_pool(client)
    ids = [image["id"] for image in images]
    address = f"/pools/{pool_id}/map"
    asked = client.get(address)
    assert (asked.status_code, asked.json()["kind"]) == (202, "project")
    places = {"image_ids": ids[::-1], "x": [0, 1, 2, 3], "y": [9, 8, 7, 6], "cluster": [1, 0, 0, 1]}
    document = {"method": "pca", "explained_variance": [0.5, 0.25], **places}
    made = blobs.put(client.service.blobs, [json.dumps(document).encode()])
    succeed(client, asked.json()["id"], {"map": {"sha256": made.sha256, "size": made.size}})
    annotate(client, ids[3])
    model_id = add_model(client, pool_id)
    with client.service.database.write() as session:
        uncertainties.add(session, uuid.UUID(model_id), {uuid.UUID(ids[2]): 0.75})

    answer = client.get(address, params={"share_of": "car", "model": model_id})
    assert answer.json() == document | {
        **{"test": [0, 0, 0, 0], "labelled": [1, 0, 0, 0], "excluded": [0, 0, 0, 0]},
        **{"share": [round(64 / (32 * 24), 4), None, None, None], "uncertainty": [None, 0.75, None, None]},
    }
    again = {"If-None-Match": answer.headers["etag"]}
    params = {"share_of": "car", "model": model_id}
    assert client.get(address, params=params, headers=again).status_code == 304
    plain = client.get(address).json()
    assert (plain["share"], plain["uncertainty"]) == (None, None)
    client.patch(f"/images/{ids[0]}", json={"excluded": True}).raise_for_status()
    assert client.get(address).status_code == 202


def test_a_map_that_cannot_be_is_refused(client: Client) -> None:
    """A pool without photos, a class that it does not have, and a model that is not there."""
    pool_id, _ = embedded_pool(client)
    address = f"/pools/{pool_id}/map"
    assert slug(client.get(f"/pools/{new_pool(client)}/map")) == "pool-empty"
    unknown = client.get(address, params={"share_of": "cat"})
    assert slug(unknown) == "bad-request"
    assert "its classes are road, car" in unknown.json()["detail"]
    assert slug(client.get(address, params={"model": str(uuid.uuid4())})) == "not-found"
