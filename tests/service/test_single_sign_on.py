"""Users that a proxy in front of the service has logged in."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from store.settings import Settings
from tests.service.serving import Client, serve

HEADER = "X-Remote-User"
OWN = {"sec-fetch-site": "same-origin"}


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A service that believes what 127.0.0.2 says."""
    folder: Path = tmp_path_factory.mktemp("trusting")
    settings = Settings(
        data_dir=folder, broker_url="memory://", proxy_user_header=HEADER, trusted_proxies="127.0.0.2/32"
    )
    with serve(settings) as client:
        yield client


def sent_from(address: str, client: Client) -> httpx.Client:
    """Somebody at this address of the machine, without a key."""
    transport = httpx.HTTPTransport(local_address=address)
    return httpx.Client(base_url=client.base_url, transport=transport, headers=OWN, timeout=60)


def test_a_trusted_proxy_names_the_user(trusting: Client) -> None:
    """The user exists from the first request on, in Unicode, and is no administrator; a key still counts."""
    with sent_from("127.0.0.2", trusting) as proxy:
        for name in ("ana", "Žofie"):
            me = proxy.get("/me", headers={HEADER: name.encode()}).json()
            assert (me["name"], me["admin"]) == (name, False)
        assert proxy.get("/users", headers={HEADER: "ana"}).status_code == 403
        with_key = {HEADER: "ana", "Authorization": trusting.headers["Authorization"]}
        assert proxy.get("/me", headers=with_key).json()["name"] == "admin"
        assert proxy.get("/me").status_code == 401


def test_nobody_else_names_the_user(trusting: Client) -> None:
    """The header of another address is refused with the reason, also if it claims to come from the proxy."""
    with sent_from("127.0.0.1", trusting) as other:
        for more in ({}, {"X-Forwarded-For": "127.0.0.2"}, {"Forwarded": "for=127.0.0.2"}):
            answer = other.get("/me", headers={HEADER: "admin"} | more)
            assert answer.status_code == 401
            assert "FEWPAIRS_TRUSTED_PROXIES" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["admin", "local"])
def test_a_proxy_does_not_name_accounts_of_the_settings(trusting: Client, name: str) -> None:
    """These get in with a key of the settings alone."""
    with sent_from("127.0.0.2", trusting) as proxy:
        assert proxy.get("/me", headers={HEADER: name}).status_code == 403


def test_a_disabled_user_stays_out(trusting: Client) -> None:
    """Although the proxy still lets them in."""
    with sent_from("127.0.0.2", trusting) as proxy:
        assert proxy.get("/me", headers={HEADER: "eve"}).status_code == 200
        trusting.patch("/users/eve", json={"disabled": True})
        assert proxy.get("/me", headers={HEADER: "eve"}).status_code == 403


def test_what_names_nobody_is_refused(trusting: Client) -> None:
    """Two names, none, no UTF-8, and a name with a slash."""
    with sent_from("127.0.0.2", trusting) as proxy:
        for named in ([b"ana", b"eve"], [b""], [b"\xff"], [b"a/b"]):
            answer = proxy.get("/me", headers=[(HEADER.encode(), name) for name in named])
            assert answer.status_code == 401


def test_a_user_of_a_proxy_is_safe_from_other_sites(trusting: Client) -> None:
    """A browser sends such a request by itself, so one that changes something says from which page it is."""
    body = {"name": "p", "class_table": "rgb"}
    with sent_from("127.0.0.2", trusting) as proxy:
        del proxy.headers["sec-fetch-site"]
        refused = proxy.post("/pools", json=body, headers={HEADER: "ana"})
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/foreign-site")
        assert proxy.post("/pools", json=body, headers={HEADER: "ana"} | OWN).status_code == 201


def test_a_cookie_is_secure_behind_tls(trusting: Client) -> None:
    """The proxy says that the client came over TLS; nobody else is believed."""
    trusting.post("/users", json={"name": "ben", "password": "four words of his"})
    login = {"name": "ben", "password": "four words of his"}
    tls = {"X-Forwarded-Proto": "https"}
    for address, secure in (("127.0.0.2", True), ("127.0.0.1", False)):
        with sent_from(address, trusting) as browser:
            origin = {"origin": f"http://{urlsplit(str(trusting.base_url)).netloc}"}
            answer = browser.post("/session", json=login, headers=tls | origin)
            assert answer.status_code == 200
            assert ("secure" in answer.headers["set-cookie"].lower().split("; ")) == secure
