"""What a page of another site can do through a browser: nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from service.http.observe import ANSWER_HEADERS
from store.settings import Settings
from tests.service.serving import Client, serve
from tests.service.steps import CLASSES, new_pool, photo

ELSEWHERE = {"origin": "https://elsewhere.example"}


def own_port(client: Client) -> int:
    port = urlsplit(str(client.base_url)).port
    assert port
    return port


@pytest.mark.parametrize(
    "host", ["attacker.example", "127.0.0.1.attacker.example", "localhost:80@x", "", "[::1"]
)
def test_another_host_name_reaches_nothing(client: Client, host: str) -> None:
    """A request for a name that is not this server's is refused and told which setting allows it."""
    answer = client.get("/pools", headers={"host": host})
    assert answer.status_code in (400, 421)
    if answer.status_code == 421:
        assert answer.json()["type"] == "/problems/host-not-allowed"
        assert "FEWPAIRS_ALLOWED_HOSTS" in answer.json()["detail"]
    assert client.get("/healthz", headers={"host": "probe.example"}).status_code == 200


@pytest.mark.parametrize("host", ["localhost:{port}", "LOCALHOST", "127.0.0.1", "[::1]:{port}", "localhost."])
def test_this_machines_names_are_answered(client: Client, host: str) -> None:
    """The default names, with a port, in capitals or with the dot of a full name."""
    answer = client.get("/pools", headers={"host": host.format(port=own_port(client))})
    assert answer.status_code == 200


def test_more_host_names_are_a_setting(tmp_path: Path) -> None:
    """FEWPAIRS_ALLOWED_HOSTS lists the names; * allows all."""
    for names, allowed in (("lab.example, [2001:db8::1]", True), ("*", True), ("localhost,127.0.0.1", False)):
        settings = Settings(data_dir=tmp_path, broker_url="memory://", allowed_hosts=f"{names},127.0.0.1")
        with serve(settings) as client:
            answer = client.get("/pools", headers={"host": "Lab.Example:8000"})
            assert (answer.status_code == 200) == allowed


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://localhost:3000"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
        ELSEWHERE,
        {"origin": "null"},
    ],
)
def test_other_sites_change_nothing(client: Client, headers: dict[str, str]) -> None:
    """A form, a script or a sandboxed frame of another site can neither add nor start nor delete."""
    pool_id = new_pool(client)
    for method, address in (
        ("POST", "/pools"),
        ("POST", f"/pools/{pool_id}/images"),
        ("PUT", f"/pools/{pool_id}/images/a.jpg"),
        ("POST", f"/pools/{pool_id}/trainings"),
    ):
        answer = client.request(method, address, headers=headers, content=photo())
        assert answer.status_code == 403
        assert answer.json()["type"] == "/problems/foreign-site"
    assert client.get(f"/pools/{pool_id}").json()["counts"]["images"] == 0


def test_another_sites_picture_asks_for_no_selection(client: Client) -> None:
    """An <img> or a link of another site whose address selects is refused; other links are followed."""
    pool_id = new_pool(client)
    picture = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    for headers in (picture, link):
        assert client.get(f"/pools/{pool_id}/select?budget=1", headers=headers).status_code == 403
    for address in ("/pools", f"/pools/{pool_id}"):
        assert client.get(address, headers=link).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}])
def test_programs_and_own_pages_are_served(client: Client, headers: dict[str, str]) -> None:
    """Requests without a browser's headers, from the service's own pages, and typed by a person."""
    body = {"name": f"pool {headers}", "class_table": CLASSES}
    assert client.post("/pools", json=body, headers=headers).status_code == 201
    origin = {"origin": str(client.base_url).rstrip("/")} | headers
    assert client.post("/pools", json=body | {"name": f"{headers} too"}, headers=origin).status_code == 201


def test_every_answer_says_what_it_may_load(client: Client) -> None:
    """Documents, refusals, unknown addresses and the page of the API carry the headers."""
    for path in ("/pools", "/pools/1", "/nowhere", "/docs", "/openapi.json", "/healthz"):
        headers = client.get(path).headers
        assert headers.keys() >= {name.lower() for name in ANSWER_HEADERS}
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_the_page_of_the_api_may_run_its_own_script(client: Client) -> None:
    """The policy of /docs names the digest of the one script that stands in the page."""
    answer = client.get("/docs")
    [script] = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]


def test_invented_methods_share_one_metric(client: Client) -> None:
    """A client cannot fill the metrics with methods of its own."""
    for number in range(20):
        assert client.request(f"INVENT{number}", "/pools").status_code == 405
    text = client.get("/metrics").text
    assert "INVENT" not in text
    assert 'method="other"' in text


@pytest.mark.parametrize("address", ["/pools?cursor=%00", "/jobs?kind=%00", "/pools/%00", "/models/a%00b"])
def test_a_nul_in_an_address_is_refused(client: Client, address: str) -> None:
    """SQLite would compare it and PostgreSQL fail: both are spared."""
    answer = client.get(address)
    assert answer.status_code == 400
    assert "NUL" in answer.json()["detail"]
