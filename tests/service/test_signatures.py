"""Signed addresses: open for a short time to whoever has them, and to nothing else."""

import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from service.http.signatures import signed
from store import credentials, memberships, principals
from tests.access import WITH_KEY
from tests.service.serving import Client
from tests.service.steps import add_model, annotate, new_pool, photo, put_photo, slug

FROM_ELSEWHERE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}


@pytest.fixture(scope="module")
def pool_id(client: Client) -> str:
    return new_pool(client)


@pytest.fixture(scope="module")
def image(client: Client, pool_id: str) -> dict[str, Any]:
    return put_photo(client, pool_id, "a.jpg", photo(3))


@pytest.fixture(scope="module")
def key(client: Client, pool_id: str) -> dict[str, str]:
    """The key of a viewer of the pool: its id, its text and its header."""
    with client.service.database.write() as session:
        viewer = principals.ensure(session, "viewer of the signed", admin=False)
        memberships.put(session, uuid.UUID(pool_id), viewer.id, "viewer")
        row, text = credentials.add_key(session, viewer.id, "test")
        return {"id": str(row.id), "text": text, "Authorization": f"Bearer {text}"}


@pytest.fixture
def browser(client: Client) -> Iterator[httpx.Client]:
    """Somebody without a credential."""
    with httpx.Client(base_url=client.base_url, timeout=60) as http:
        yield http


def ask_to_sign(browser: httpx.Client, key: dict[str, str], address: str, **more: Any) -> httpx.Response:
    headers = {"Authorization": key["Authorization"]}
    return browser.post("/signatures", json={"address": address, **more}, headers=headers)


def sign(browser: httpx.Client, key: dict[str, str], address: str, **more: Any) -> str:
    answer = ask_to_sign(browser, key, address, **more)
    assert answer.status_code == 200, answer.text
    made: str = answer.json()["address"]
    return made


def test_a_signed_address_shows_a_picture_on_any_page(
    browser: httpx.Client, key: dict[str, str], image: dict[str, Any]
) -> None:
    """Without a key, also in a page of another site; the address holds nothing of the key but its prefix."""
    address = sign(browser, key, f"/images/{image['id']}/thumbnail?size=64")
    assert key["text"][12:] not in address
    shown = browser.get(address, headers=FROM_ELSEWHERE)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert shown.headers["cross-origin-resource-policy"] == "cross-origin"
    assert shown.headers["access-control-allow-origin"] == "*"


def test_a_signed_address_follows_a_job(client: Client, browser: httpx.Client) -> None:
    """Server-sent events need no header; the key of the settings signs too."""
    pool_id = new_pool(client)
    annotate(client, put_photo(client, pool_id, "a.jpg")["id"])
    job_id = client.get(f"/models/{add_model(client, pool_id)}").json()["job_id"]
    followed = browser.get(sign(browser, WITH_KEY, f"/jobs/{job_id}/events"))
    assert followed.headers["content-type"].startswith("text/event-stream")
    assert "event: state" in followed.text


def test_a_signature_opens_one_get_and_nothing_else(
    browser: httpx.Client, key: dict[str, str], image: dict[str, Any]
) -> None:
    """Another address, query, method, time or key is refused, also with a signature beside a valid one."""
    path = f"/images/{image['id']}"
    address = sign(browser, key, f"{path}/thumbnail?size=64")
    signature = address.partition("signed=")[2]
    expires, prefix, mac = signature.split(".")
    for changed in (
        f"{path}/thumbnail?size=65&signed={signature}",
        f"{path}/thumbnail?signed={signature}",
        f"{path}/content?size=64&signed={signature}",
        f"{path}/thumbnail?size=64&size=65&signed={signature}",
        f"{path}/thumbnail?size=64&signed={int(expires) + 1}.{prefix}.{mac}",
        f"{path}/thumbnail?size=64&signed={expires}.{prefix}.{mac[:-1]}{'A' if mac[-1] != 'A' else 'E'}",
        f"{path}/thumbnail?size=64&signed={expires}.admin.{mac}",
        f"{path}/thumbnail?size=64&signed={expires}.local.{mac}",
        f"{address}&size=65",
    ):
        assert (browser.get(changed).status_code, slug(browser.get(changed))) == (401, "unauthenticated")
    assert browser.patch(address, json={}).status_code == 401
    assert browser.delete(sign(browser, key, path)).status_code == 401


def test_a_signature_ends_in_time(
    client: Client, browser: httpx.Client, key: dict[str, str], image: dict[str, Any]
) -> None:
    """It counts before the second that it names and not from then on, and for an hour at most."""
    digest = credentials.digest_of(key["text"])
    for seconds, status in ((60, 200), (0, 401), (-60, 401)):
        address = signed(f"/images/{image['id']}", key["text"][:11], digest, int(time.time()) + seconds)
        assert browser.get(address).status_code == status
    assert ask_to_sign(browser, key, "/pools", seconds=3601).status_code == 422


def test_a_signature_gives_what_its_principal_may_see(
    client: Client, browser: httpx.Client, key: dict[str, str]
) -> None:
    """Anything can be signed; what the principal may not see is not there."""
    image = put_photo(client, new_pool(client), "b.jpg")
    assert slug(browser.get(sign(browser, key, f"/images/{image['id']}"))) == "not-found"


def test_other_sites_get_nothing_with_a_cookie_and_a_false_signature(
    client: Client, browser: httpx.Client, image: dict[str, Any]
) -> None:
    """Beside a signature the cookie does not count, and without one another site is refused."""
    with client.service.database.write() as session:
        text = credentials.open_session(session, principals.ensure(session, "admin", admin=True).id)
    browser.cookies.set(f"fewpairs-{client.base_url.port}", text)
    address = f"/images/{image['id']}"
    assert browser.get(address).status_code == 200
    assert slug(browser.get(address, headers=FROM_ELSEWHERE)) == "foreign-site"
    false = f"{address}?signed=99999999999.admin.{'A' * 43}"
    assert browser.get(false, headers=FROM_ELSEWHERE).status_code == 401
    answer = browser.post("/signatures", json={"address": address}, headers={"Sec-Fetch-Site": "same-origin"})
    assert slug(answer) == "bad-request"


def test_a_signature_ends_with_its_key(
    client: Client, browser: httpx.Client, key: dict[str, str], image: dict[str, Any]
) -> None:
    """From the next request on after the key was revoked."""
    address = sign(browser, key, f"/images/{image['id']}")
    assert browser.get(address).status_code == 200
    client.delete(f"/keys/{key['id']}").raise_for_status()
    assert browser.get(address).status_code == 401
