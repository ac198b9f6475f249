"""Secrets do not leave the requests that carry them."""

import sys
from pathlib import Path

import httpx

from migrations import upgrade
from store.settings import Settings
from tests.access import KEY, WITH_KEY
from tests.processes import answers, free_port, processes, until

PASSWORD, WRONG = "four words of hers", "four wrong words"
TOKEN, METRICS = "token-of-this-test-0123456789abcdef", "metrics-of-this-test-0123456789abcdef"


def test_no_secret_is_logged(tmp_path: Path) -> None:
    """The log of a service has its requests, and none of the keys, passwords, cookies and tokens in them,
    right and wrong ones, in headers, bodies and addresses."""
    upgrade(Settings(data_dir=tmp_path).database)
    port = free_port()
    environment = {
        "FEWPAIRS_DATA_DIR": str(tmp_path),
        "FEWPAIRS_PORT": str(port),
        "FEWPAIRS_BROKER_URL": "memory://",
        "FEWPAIRS_LOCAL_TOKEN": TOKEN,
        "FEWPAIRS_METRICS_KEY": METRICS,
    }
    address = f"http://127.0.0.1:{port}"
    with (
        processes([([sys.executable, "-m", "service"], environment)], tmp_path / "logs"),
        httpx.Client(base_url=address, headers={"origin": address}, timeout=60) as http,
    ):
        until(lambda: answers(f"{address}/readyz"), "the service ready")
        http.post("/users", json={"name": "ana", "password": PASSWORD}, headers=WITH_KEY)
        http.post("/users", json={"name": "eve", "password": PASSWORD, "x": PASSWORD}, headers=WITH_KEY)
        http.post("/session", json={"name": "ana", "password": WRONG})
        http.post("/session", content=f'{{"name": "ana", "password": "{WRONG}"')
        assert http.post("/session", json={"name": "ana", "password": PASSWORD}).status_code == 200
        cookies = set(http.cookies.values())
        key = http.post("/keys", json={"label": "x"}).json()["key"]
        http.put("/users/ana/password", json={"password": PASSWORD[::-1], "current": WRONG})
        http.get("/pools", headers={"Authorization": f"Bearer {key}"})
        http.get("/pools", headers={"Authorization": f"Bearer {key}!"})
        http.get("/metrics", headers={"Authorization": f"Bearer {METRICS}"})
        http.get("/session", params={"token": TOKEN})
        http.get("/session", params={"token": TOKEN[::-1]})
        cookies |= set(http.cookies.values())
    log = (tmp_path / "logs" / "0.log").read_text()
    assert '"/session"' in log
    assert "/keys" in log
    assert len(cookies) == 2
    for secret in (KEY, PASSWORD, PASSWORD[::-1], WRONG, TOKEN, TOKEN[::-1], METRICS, key, *cookies):
        assert secret not in log
