"""Users, their passwords, and the browsers in which they are logged in."""

import uuid
from collections.abc import Iterator

import httpx
import pytest

from service.access.attempts import FREE, Attempts
from service.http.problems import TooManyAttempts
from tests.access import PASSWORD
from tests.service.serving import Client
from tests.service.steps import new_pool

OWN = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def browser(client: Client) -> Iterator[httpx.Client]:
    """A browser on the service's own pages."""
    with httpx.Client(base_url=client.base_url, headers=OWN, timeout=60) as http:
        yield http


@pytest.fixture
def ana(client: Client) -> str:
    """The name of a new user who has the password."""
    name = f"ana {uuid.uuid4()}"
    made = client.post("/users", json={"name": name, "password": PASSWORD})
    assert made.status_code == 201, made.text
    return name


def log_in(browser: httpx.Client, name: str, password: str = PASSWORD) -> httpx.Response:
    return browser.post("/session", json={"name": name, "password": password})


def test_a_browser_logs_in_and_out(client: Client, browser: httpx.Client, ana: str) -> None:
    """With the password a browser gets a cookie for its user, which counts until it logs out."""
    answer = log_in(browser, ana)
    assert answer.json()["name"] == ana
    assert {"httponly", "samesite=lax"} <= set(answer.headers["set-cookie"].lower().split("; "))
    cookies = dict(browser.cookies)
    assert browser.get("/me").json() == answer.json()
    assert browser.delete("/session").status_code == 204
    assert browser.get("/me").status_code == 401
    browser.cookies.update(cookies)
    assert browser.get("/me").status_code == 401


def test_a_wrong_name_and_a_wrong_password_are_answered_alike(browser: httpx.Client, ana: str) -> None:
    """Nobody learns from the answer who has an account."""
    wrong = log_in(browser, ana, PASSWORD + "!").json()
    nobody = log_in(browser, "nobody").json()
    assert wrong == nobody
    assert wrong["status"] == 401


def test_guessing_is_slowed_down(browser: httpx.Client, client: Client, ana: str) -> None:
    """After some wrong passwords for a name even the right one has to wait, and other names do not."""
    for _ in range(FREE):
        assert log_in(browser, ana, "wrong").status_code == 401
    slowed = log_in(browser, ana)
    assert (slowed.status_code, slowed.json()["type"]) == (429, "/problems/too-many-attempts")
    assert int(slowed.headers["retry-after"]) >= 1
    assert log_in(browser, "somebody else").status_code == 401


def waited(attempts: Attempts, key: str, clock: list[float]) -> float:
    """The seconds until the next attempt is let through."""
    began = clock[0]
    while True:
        try:
            attempts.begin(key)
            return clock[0] - began
        except TooManyAttempts:
            clock[0] += 0.5


def test_attempts_wait_twice_as_long_each_time() -> None:
    """The wait doubles up to a limit, is that of one name and address, and ends with a success."""
    clock = [0.0]
    attempts = Attempts(lambda: clock[0])
    waits = [waited(attempts, "ana", clock) for _ in range(FREE + 9)]
    assert waits == [0.0] * FREE + [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert waited(attempts, "ben", clock) == 0
    waited(attempts, "ana", clock)
    attempts.succeeded("ana")
    assert waited(attempts, "ana", clock) == 0


def test_a_disabled_user_is_out(client: Client, browser: httpx.Client, ana: str) -> None:
    """Neither cookie nor key nor password of a disabled user counts; what is taken back counts again."""
    log_in(browser, ana)
    key = {"Authorization": f"Bearer {browser.post('/keys', json={'label': 'x'}).json()['key']}"}
    address = f"/users/{ana}"
    assert client.patch(address, json={"disabled": True}).json()["disabled_at"]
    assert browser.get("/me").status_code == 401
    assert httpx.get(client.base_url.join("/me"), headers=key).status_code == 401
    assert log_in(browser, ana).status_code == 401
    assert client.patch(address, json={"disabled": False}).json()["disabled_at"] is None
    assert httpx.get(client.base_url.join("/me"), headers=key).status_code == 200
    assert log_in(browser, ana).status_code == 200


def test_a_password_is_changed_with_the_one_until_now(
    client: Client, browser: httpx.Client, ana: str
) -> None:
    """One's own needs the password until now, an administrator needs none; every browser is logged out."""
    log_in(browser, ana)
    address, new = f"/users/{ana}/password", {"password": "four other words"}
    assert browser.put(address, json=new).status_code == 403
    assert browser.put(address, json=new | {"current": PASSWORD}).status_code == 204
    assert browser.get("/me").status_code == 401
    assert log_in(browser, ana).status_code == 401
    assert log_in(browser, ana, new["password"]).status_code == 200
    assert client.put(address, json={"password": PASSWORD}).status_code == 204
    assert log_in(browser, ana).status_code == 200


def test_users_are_an_administrators(client: Client, browser: httpx.Client, ana: str) -> None:
    """Others can neither make nor list nor change users, nor set the password of somebody else."""
    log_in(browser, ana)
    for method, address, body in (
        ("GET", "/users", None),
        ("POST", "/users", {"name": "eve", "admin": True}),
        ("PATCH", f"/users/{ana}", {"admin": True}),
        ("PUT", "/users/admin/password", {"password": PASSWORD}),
    ):
        assert browser.request(method, address, json=body).status_code == 403
    assert client.patch(f"/users/{ana}", json={"admin": True}).json()["admin"]
    assert browser.get("/users").status_code == 200


def test_a_name_is_found_in_any_spelling(client: Client) -> None:
    """An é of one or of two characters: where a user is made, and in the addresses that name them."""
    spelled = f"ren\u0065\u0301 {uuid.uuid4()}"
    name = client.post("/users", json={"name": spelled}).json()["name"]
    assert len(name) == len(spelled) - 1
    pool_id = new_pool(client)
    assert client.patch(f"/users/{spelled}", json={"admin": False}).json()["name"] == name
    assert client.post("/keys", params={"user": spelled}, json={"label": "laptop"}).status_code == 201
    member = client.put(f"/pools/{pool_id}/members/{spelled}", json={"role": "viewer"}).json()
    assert member in client.get(f"/pools/{pool_id}/members").json()["items"]


def test_names_are_unique_and_some_are_taken(client: Client, ana: str) -> None:
    """A second user of a name is refused, and so are the accounts of the settings."""
    for name in (ana, "admin", "local"):
        answer = client.post("/users", json={"name": name})
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/user-name-taken")
    assert client.patch("/users/admin", json={"disabled": True}).status_code == 403
    assert client.put("/users/admin/password", json={"password": PASSWORD}).status_code == 403


def test_a_short_password_is_refused_without_being_repeated(client: Client) -> None:
    """The answer says how long it has to be, and not what was sent."""
    answer = client.post("/users", json={"name": "eve", "password": "hunter22"})
    assert answer.status_code == 422
    assert "12" in answer.text
    assert "hunter22" not in answer.text
