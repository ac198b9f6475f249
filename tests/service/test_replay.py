"""Replaying selections."""

import uuid
from typing import Any

from store import jobs
from tests.service.serving import Client
from tests.service.steps import (
    embedded_pool,
    receipt,
    selection_document,
    slug,
)


def test_a_receipt_or_a_document_can_be_replayed(client: Client) -> None:
    """Both make a replay job with the same question and receipt; the document also gives its picks."""
    pool_id, images = embedded_pool(client)
    whole = selection_document(pool_id, images[:1])
    whole["receipt"] |= {"strategy": "random", "test_distance": 0.5}
    specs = []
    for body in (whole["receipt"], whole):
        answer = client.post("/selections/replay", json=body)
        assert answer.status_code == 202, answer.text
        with client.service.database.read() as session:
            job = jobs.get(session, uuid.UUID(answer.json()["id"]))
        assert job
        assert job.kind == "replay"
        specs.append(job.spec)
    assert specs[0]["receipt"].pop("picks") is None
    assert specs[1]["receipt"].pop("picks") == [{"image_id": images[0]["id"]}]
    assert specs[0] == specs[1]
    assert specs[0]["question"] | specs[0]["receipt"] | {"pool_id": pool_id} == whole["receipt"]


def test_an_invalid_receipt_is_refused(client: Client) -> None:
    """A replay is refused if the pool does not exist, the digest of the picks or a revision is missing, the
    question is wrong, or the body is something else."""
    pool_id, _ = embedded_pool(client, 1)
    cases: list[tuple[Any, str]] = [
        (receipt(str(uuid.uuid4())), "not-found"),
        (receipt(pool_id, picks_digest=None), "validation"),
        (receipt(pool_id, labelled=[], revisions=[1]), "invalid-selection"),
        (receipt(pool_id, budget=0), "invalid-budget"),
        (receipt(pool_id, split="test", test_distance=1), "invalid-selection"),
        (receipt(pool_id, include=[pool_id], exclude=[pool_id]), "invalid-selection"),
        (receipt(pool_id, include=[pool_id, str(uuid.uuid4())]), "invalid-selection"),
        (receipt(pool_id, model=str(uuid.uuid4())), "not-found"),
        *((body, "validation") for body in ([], 1, {"budget": 1}, {"budget": 1, "receipt": 1}, receipt("x"))),
    ]
    for body, kind in cases:
        assert slug(client.post("/selections/replay", json=body)) == kind, body
    assert client.get(f"/jobs?pool={pool_id}&kind=replay").json()["items"] == []
