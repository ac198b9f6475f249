"""Whoever waits for an answer must still be allowed to have it when it comes."""

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import httpx
import pytest

from service.access import standing
from store import credentials, memberships, principals
from store.settings import Settings
from tests.conftest import NO_BROKER
from tests.processes import until
from tests.service.serving import Client, serve
from tests.service.steps import embedded_pool, slug


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A service that waits long for its jobs, and often asks whether those who wait still may."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("patient"), broker_url=NO_BROKER, answer_wait_s=5, embed_chunk=8
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(standing, "AGAIN_S", 0.1)
        with serve(settings) as client:
            yield client


class Curator:
    """Somebody with a role in a pool, a key and a login."""

    def __init__(self, client: Client) -> None:
        self.client, (pool, _) = client, embedded_pool(client)
        self.pool_id = uuid.UUID(pool)
        with client.service.database.write() as session:
            self.principal = principals.ensure(session, f"curator {uuid.uuid4()}", admin=False)
            self.key, text = credentials.add_key(session, self.principal.id, "test")
            cookie = credentials.open_session(session, self.principal.id)
            memberships.put(session, self.pool_id, self.principal.id, "curator")
        self.with_key = {"Authorization": f"Bearer {text}"}
        self.with_login = {"Cookie": f"fewpairs-{client.base_url.port}={cookie}"}

    def lose_key(self) -> None:
        assert self.client.delete(f"/keys/{self.key.id}").status_code == 200

    def lose_role(self) -> None:
        name = self.principal.name
        assert self.client.delete(f"/pools/{self.pool_id}/members/{name}").status_code == 204

    def be_disabled(self) -> None:
        assert self.client.patch(f"/users/{self.principal.name}", json={"disabled": True}).status_code == 200


LOSSES: list[tuple[Callable[[Curator], None], bool]] = [
    (Curator.lose_key, False),
    (Curator.lose_role, False),
    (Curator.lose_role, True),
    (Curator.be_disabled, True),
]
"""How somebody is shut out, and whether they came with a login instead of a key."""


@pytest.mark.parametrize(("lose", "has_login"), LOSSES)
def test_a_stream_ends_with_the_right_to_it(
    patient: Client, lose: Callable[[Curator], None], has_login: bool
) -> None:
    """It goes on until the key, the login or the role is gone, though its job or pool has not ended."""
    curator = Curator(patient)
    headers = curator.with_login if has_login else curator.with_key
    job = patient.post(f"/pools/{curator.pool_id}/archive").json()
    addresses = {f"/jobs/{job['id']}/events": "state", f"/pools/{curator.pool_id}/events/stream": "following"}
    with ExitStack() as stack:
        streams = [
            stack.enter_context(httpx.stream("GET", f"{patient.base_url}{path}", headers=headers, timeout=60))
            for path in addresses
        ]
        lines = [stream.iter_lines() for stream in streams]
        assert [next(each) for each in lines] == [f"event: {event}" for event in addresses.values()]
        lose(curator)
        for each in lines:
            list(each)
    assert patient.get(f"/jobs/{job['id']}").json()["state"] == "queued"


def test_a_selection_is_not_told_to_whoever_lost_the_role(patient: Client) -> None:
    """The role is looked at again when the answer is there."""
    curator = Curator(patient)
    answers: list[httpx.Response] = []

    def ask(headers: Mapping[str, str]) -> None:
        address = f"/pools/{curator.pool_id}/select"
        answers.append(patient.get(address, params={"budget": 1}, headers=headers))

    thread = threading.Thread(target=ask, args=[curator.with_key])
    thread.start()
    waiting = {"pool": str(curator.pool_id), "kind": "select"}
    until(lambda: bool(patient.get("/jobs", params=waiting).json()["items"]), "the selection is ordered")
    curator.lose_role()
    thread.join()
    assert [(answer.status_code, slug(answer)) for answer in answers] == [(404, "not-found")]
