"""Every operation that changes something leaves an event of whoever asked."""

import uuid
from collections.abc import Iterator, Mapping

import pytest
from sqlalchemy import select

from service.app import create_app
from store import jobs
from store.settings import Settings
from store.tables import Event
from tests.conftest import NO_BROKER
from tests.service.operations import OPERATIONS, Operation, Things, furnished, sends
from tests.service.serving import Client, serve
from tests.service.steps import embedded_pool, new_pool, photo

PASSWORD = "four words of hers"
URL = "https://example.org/"
WEBHOOKS = ("webhook_id", "spare_webhook_id")

NO_ACT: Mapping[str, str] = {
    "POST /pools/{pool_id}/missing": "a question: its body is too long for an address",
    "POST /pools/{pool_id}/search": "a question: its body is a photo",
    "POST /images/{image_id}/suggestion": "a question: its body is a label map of strokes",
    "PUT /archives/{archive}": "a part of what arrives; the event is that of the pool",
    "PUT /archives/{archive}/parts/{kind}/{sha256}": "a part of what arrives; the event is that of the pool",
    "PUT /images/{image_id}/draft": "unfinished work that only its owner sees, sent every few seconds",
    "DELETE /images/{image_id}/draft": "unfinished work that only its owner sees",
    "POST /assignments/{assignment_id}/renew": "keeps for longer what somebody holds",
    "POST /pools/{pool_id}/webhooks/{webhook_id}/ping": "is in the log of deliveries",
    "POST /signatures": "an address for what one may read anyway",
}
"""Operations that leave no event, with the reason."""

CHANGES: Mapping[str, Operation] = {
    "PATCH /pools/{pool_id}": Operation(None, lambda it: {"json": {"name": str(uuid.uuid4())}}),
    "PATCH /pools/{pool_id}/class_table": Operation(
        None, sends(json={"change": {"car": {"color": [1, 2, 3]}}})
    ),
    "PATCH /images/{image_id}": Operation(None, sends(json={"excluded": True})),
    "PUT /images/{image_id}/content": Operation(
        None, lambda it: {"content": photo(77), "headers": {"If-Match": f'"{it["sha256"]}"'}}
    ),
    "POST /pools/{pool_id}/images": Operation(None, sends(files={"files": ("more.jpg", photo(78))})),
    "POST /pools/{pool_id}/select": Operation(
        None, sends(json={"budget": 1}), at={"pool_id": "embedded_pool_id"}
    ),
    "POST /pools/{pool_id}/scenes": Operation(
        None, sends(json={"count": 2}), at={"pool_id": "scenes_pool_id"}
    ),
    "POST /pools/{pool_id}/assignments": Operation(None, sends(json={"count": 9})),
    "DELETE /assignments/{assignment_id}": Operation(None),
    "POST /jobs/{job_id}/cancel": Operation(None, at={"job_id": "queued_id"}),
    "POST /jobs/{job_id}/finish": Operation(None, at={"job_id": "running_id"}),
    "POST /pools/{pool_id}/webhooks": Operation(None, sends(json={"url": URL})),
    "DELETE /pools/{pool_id}/webhooks/{webhook_id}": Operation(None, at={"webhook_id": "spare_webhook_id"}),
    "POST /pools/{pool_id}/webhooks/{webhook_id}/ping": Operation(None),
    "POST /session": Operation(None, sends(json={"name": "guest", "password": PASSWORD})),
    "DELETE /keys/{key_id}": Operation(None),
}
"""Requests that change something, where the matrix of roles has none, or one that may be repeated."""

UNSAFE = [
    f"{method.upper()} {path}"
    for path, methods in create_app(Settings()).openapi()["paths"].items()
    for method in methods
    if method != "get"
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("acts"), broker_url=NO_BROKER, answer_wait_s=0.01, embed_chunk=8
    )
    with serve(settings) as client:
        yield client


@pytest.fixture(scope="module")
def things(service: Client) -> Things:
    found = furnished(service)
    pool = f"/pools/{found['pool_id']}"
    queued, running = (
        service.post(f"{pool}/trainings", json={"method": "hybrid"}).json()["id"] for _ in range(2)
    )
    with service.service.database.write() as session:
        jobs.claim(session, uuid.UUID(running), worker="test", lease_s=600)
    service.post("/users", json={"name": "guest", "password": PASSWORD}).raise_for_status()
    return found | {
        **{"embedded_pool_id": embedded_pool(service)[0], "scenes_pool_id": new_pool(service, "scenes")},
        **{"queued_id": queued, "running_id": running},
        **{name: service.post(f"{pool}/webhooks", json={"url": URL}).json()["id"] for name in WEBHOOKS},
        "key_id": service.post("/keys", json={"label": "old"}).json()["id"],
    }


def ask(client: Client, address: str, operation: Operation, things: Things) -> int:
    method, path = address.split()
    answer = client.request(method, operation.path(path, things), **operation.request(things))
    return answer.status_code


def newest(client: Client) -> Event | None:
    with client.service.database.read() as session:
        return session.scalar(select(Event).order_by(Event.id.desc()).limit(1))


@pytest.mark.parametrize("address", UNSAFE)
def test_an_act_leaves_an_event(service: Client, things: Things, address: str) -> None:
    """The newest event after the request is a new one, of its principal, from its address; a request that
    changes nothing of its own leaves none.
    """
    operation = CHANGES.get(address, OPERATIONS[address])
    if address.endswith("/undelete"):
        deleted = address.removesuffix("/undelete").replace("POST", "DELETE")
        assert ask(service, deleted, Operation(None), things) == 200
    if address == "DELETE /session":
        ask(service, "POST /session", CHANGES["POST /session"], things)
    before = newest(service)
    status = ask(service, address, operation, things)
    after = newest(service)
    assert 200 <= status < 300, status
    assert after
    if address in NO_ACT:
        assert before
        assert after.id == before.id
    else:
        assert before is None or after.id != before.id
        assert after.principal_id
        assert after.address == "127.0.0.1"
