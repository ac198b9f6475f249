"""Who asks is known by a key or a cookie, and nobody else is answered."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from migrations import upgrade
from service.access.first_admin import NoAdmin, prepare
from service.runtime import Service
from store import credentials, principals
from store.principals import Principal
from store.settings import Settings
from tests.processes import until
from tests.service.serving import Client, serve
from tests.test_places import ROUTES

OPEN = {
    *("GET /healthz", "GET /readyz", "GET /problems", "GET /problems/{slug}"),
    *("GET /", "GET /app", "GET /app/{address:path}"),
    *("POST /session", "DELETE /session", "GET /session"),
}
TOKEN = "token-of-this-test-0123456789abcdef"


@pytest.fixture
def nobody(client: Client) -> Iterator[httpx.Client]:
    """A client of the same service, without a credential."""
    with httpx.Client(base_url=client.base_url, timeout=60) as http:
        yield http


@pytest.fixture
def ana(client: Client) -> Principal:
    """A user who is no administrator, as those of other tests are."""
    with client.service.database.write() as session:
        principals.ensure(session, "ana of few rights", admin=False)
        found = principals.named(session, "ana of few rights")
    assert found
    return found


def key_of(client: Client, principal: Principal, lifetime_s: float | None = None) -> tuple[str, str]:
    """The id and the text of a new key."""
    with client.service.database.write() as session:
        row, text = credentials.add_key(session, principal.id, "test", lifetime_s)
        return str(row.id), text


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


@pytest.mark.parametrize("operation", sorted(ROUTES.keys() - OPEN))
def test_nothing_is_told_to_nobody(operation: str, nobody: httpx.Client) -> None:
    """Every address but the open ones answers 401 without a credential, and says how to get in."""
    method, path = operation.split()
    address = re.sub(r"\{.+?\}", "00000000-0000-7000-8000-000000000000", path)
    answer = nobody.request(method, address)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["type"] == "/problems/unauthenticated"
    assert "Authorization: Bearer" in answer.json()["detail"]


def test_a_key_says_who_asks(client: Client, nobody: httpx.Client, ana: Principal) -> None:
    """A valid key is accepted and its use is written down; without its last character it is nothing."""
    key_id, text = key_of(client, ana)
    assert nobody.get("/pools", headers=bearer(text)).status_code == 200

    def used() -> bool:
        keys = nobody.get("/keys", headers=bearer(text)).json()["items"]
        return next(bool(key["last_used_at"]) for key in keys if key["id"] == key_id)

    until(used, "the use is written down")
    for wrong in (text[:-1], text[:-1] + "~", text.upper(), text[:11], "x" * 200):
        answer = nobody.get("/pools", headers=bearer(wrong))
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")
    for header in ("Basic YW5hOmFuYQ==", "Bearer", f"Bearer {text} {text}", f"Token {text}"):
        assert nobody.get("/pools", headers={"Authorization": header}).status_code == 401


def test_a_key_ends(client: Client, nobody: httpx.Client, ana: Principal) -> None:
    """A key is refused from the moment at which it expires or is revoked, or its user is disabled."""
    _, expired = key_of(client, ana, lifetime_s=-1)
    assert nobody.get("/pools", headers=bearer(expired)).status_code == 401
    key_id, text = key_of(client, ana)
    revoked = nobody.delete(f"/keys/{key_id}", headers=bearer(text))
    assert revoked.json()["revoked_at"]
    assert nobody.get("/pools", headers=bearer(text)).status_code == 401


def test_the_text_of_a_key_is_kept_nowhere(client: Client, nobody: httpx.Client, ana: Principal) -> None:
    """The answer that makes a key is the only one with its text, and the database has a digest of it."""
    _, text = key_of(client, ana)
    made = nobody.post("/keys", json={"label": "laptop"}, headers=bearer(text)).json()
    assert nobody.get("/pools", headers=bearer(made["key"])).status_code == 200
    assert made["key"].startswith(made["prefix"])
    secret = made["key"].removeprefix(made["prefix"])
    assert secret not in nobody.get("/keys", headers=bearer(text)).text
    with client.service.database.read() as session:
        row = credentials.key(session, uuid.UUID(made["id"]))
    assert secret not in str(vars(row))


def test_keys_of_others_are_an_administrators(client: Client, nobody: httpx.Client, ana: Principal) -> None:
    """A user can neither make nor see nor revoke another's key; an administrator can."""
    key_id, text = key_of(client, ana)
    admins = client.post("/keys", json={"label": "mine"}).json()
    others = {"user": "admin"}
    assert nobody.get("/keys", params=others, headers=bearer(text)).status_code == 403
    assert nobody.post("/keys", params=others, json={"label": "x"}, headers=bearer(text)).status_code == 403
    assert nobody.delete(f"/keys/{admins['id']}", headers=bearer(text)).status_code == 404
    assert nobody.get("/metrics", headers=bearer(text)).status_code == 403
    assert key_id in client.get("/keys", params={"user": ana.name}).text
    assert client.delete(f"/keys/{key_id}").status_code == 200
    assert nobody.get("/pools", headers=bearer(text)).status_code == 401


def test_readiness_is_explained_only_to_a_principal(client: Client, nobody: httpx.Client) -> None:
    """Anybody learns whether the service is ready; the state of its parts is for those who have a key."""
    assert nobody.get("/readyz").status_code == 200
    assert set(nobody.get("/readyz").json().values()) == {None}
    assert client.get("/readyz").json()["database"] == "ok"


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[httpx.Client]:
    """A browser, and a service of its own that has a token and a key for metrics, and no other key."""
    settings = Settings(
        data_dir=tmp_path, broker_url="memory://", admin_key="", local_token=TOKEN, metrics_key=TOKEN[::-1]
    )
    with serve(settings) as client, httpx.Client(base_url=client.base_url, timeout=60) as browser:
        yield browser


def test_the_token_of_the_address_becomes_a_cookie(embedded: httpx.Client) -> None:
    """The address with the token sets a cookie that scripts cannot read, and leads to one without it."""
    assert embedded.get("/docs").status_code == 401
    wrong = embedded.get("/session", params={"token": "x" * 40})
    assert (wrong.status_code, wrong.headers.get("set-cookie")) == (303, None)
    answer = embedded.get("/session", params={"token": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (303, "./")
    name, *attributes = answer.headers["set-cookie"].lower().split("; ")
    assert {"httponly", "samesite=lax", "path=/"} <= set(attributes)
    assert TOKEN.lower() not in name
    assert embedded.get("/docs").status_code == 200
    body = {"name": "p", "class_table": "rgb"}
    assert embedded.post("/pools", json=body).json()["type"] == "/problems/foreign-site"
    own = {"sec-fetch-site": "same-origin"}
    assert embedded.post("/pools", json=body, headers=own).status_code == 201


def test_the_key_for_metrics_opens_nothing_else(embedded: httpx.Client) -> None:
    """Prometheus reads the metrics with a key that no other address accepts."""
    key = bearer(TOKEN[::-1])
    assert "fewpairs_requests" in embedded.get("/metrics", headers=key).text
    assert embedded.get("/metrics").status_code == 401
    assert embedded.get("/pools", headers=key).status_code == 401


def test_a_service_that_nobody_may_use_does_not_start(tmp_path: Path) -> None:
    """Without a key in the settings and without an administrator the service says how to make one."""
    settings = Settings(data_dir=tmp_path, broker_url="memory://", admin_key="")
    upgrade(settings.database)
    service = Service(settings)
    with pytest.raises(NoAdmin, match=r"`fewpairs user create NAME --admin`.*FEWPAIRS_ADMIN_KEY"):
        prepare(service)
    with service.database.write() as session:
        principals.ensure(session, "ana", admin=True)
    prepare(service)
    service.close()
