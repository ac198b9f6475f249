"""Bodies that no honest client sends."""

import json
import re
import socket
import uuid
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from service.app import create_app
from store.settings import Settings
from tests.service.serving import Client
from tests.service.steps import new_pool, slug
from tests.test_places import ROUTES


def json_addresses() -> list[tuple[str, str]]:
    """The method and path of every operation that takes JSON and nothing else."""
    paths = create_app(Settings()).openapi()["paths"]
    return [
        (method, path)
        for path, item in paths.items()
        for method, operation in item.items()
        if list(operation.get("requestBody", {}).get("content", {})) == ["application/json"]
    ]


@pytest.mark.parametrize(("method", "path"), json_addresses())
@pytest.mark.parametrize("body", ['{"name": "a\\u0000b"}', '[{"a": ["\\\\\\u0000"]}]', '{"\\u0000": 1}'])
def test_a_nul_in_a_body_is_refused_everywhere(client: Client, method: str, path: str, body: str) -> None:
    """In whatever text of whatever request: SQLite would store it and PostgreSQL fail."""
    address = re.sub(r"{[^}]*}", str(uuid.uuid4()), path)
    answer = client.request(method, address, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, slug(answer)) == (422, "validation")
    assert "NUL" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "where"),
    [
        ("PATCH", "/images/{id}", {"excluded": 0}, "body.excluded"),
        ("PATCH", "/users/ana", {"admin": "yes"}, "body.admin"),
        ("POST", "/keys", {"label": "laptop", "expires_in_days": "1"}, "body.expires_in_days"),
        ("POST", "/pools/{id}/trainings", {"options": {"total_steps": "7"}}, "body.options.total_steps"),
        (
            *("POST", "/pools", {"name": "a", "class_table": {"classes": [{"name": "a", "id": "1"}]}}),
            "body.class_table.classes.0.id",
        ),
    ],
)
def test_a_value_of_another_type_is_refused(
    client: Client, method: str, path: str, body: dict[str, Any], where: str
) -> None:
    """A text or a number is no boolean and a text no number, even where it could be read as one."""
    answer = client.request(method, path.format(id=uuid.uuid4()), json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == where


def test_every_body_is_strict() -> None:
    """All models that the body of a request may hold refuse values of other types."""
    held: set[type[BaseModel]] = set()

    def hold(annotation: Any) -> None:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in held:
            held.add(annotation)
            annotation = tuple(field.annotation for field in annotation.model_fields.values())
        for part in annotation if isinstance(annotation, tuple) else get_args(annotation):
            hold(part)

    for route in ROUTES.values():
        hold(route.body_field.field_info.annotation if route.body_field else None)
    assert len(held) > 15
    assert [model for model in held if not model.model_config.get("strict")] == []


def test_a_text_may_speak_of_a_nul(client: Client) -> None:
    """A backslash before the letters is a backslash, not a NUL."""
    body = r'{"name": "a\\u0000b", "class_table": "rgb"}'
    answer = client.post("/pools", content=body, headers={"Content-Type": "application/json"})
    assert "NUL" not in answer.json()["detail"]


def large(item: str = "{}") -> str:
    """A list of 5,000 files, which is parsed in pieces."""
    names = (f"größe/{n:05d}.jpg" for n in range(5000))
    files = [json.dumps({"name": name, "sha256": f"{n:064x}"}) for n, name in enumerate(names)]
    return '{"files": [' + ", ".join([*files[:3000], item.format(files[0]), *files[3000:]]) + "]}"


def test_a_large_body_means_the_same_as_a_small_one(client: Client) -> None:
    """However many names are asked about, the ones that are missing come back, whole."""
    address, as_json = f"/pools/{new_pool(client)}/missing", {"Content-Type": "application/json"}
    answer = client.post(address, content=large(), headers=as_json)
    assert answer.json()["missing"] == [f"größe/{n:05d}.jpg" for n in range(5000)]
    answer = client.post(address, content=large('{{"name": "a.jpg", "sha256": 7}}'), headers=as_json)
    assert (answer.status_code, slug(answer)) == (422, "validation")
    assert answer.json()["errors"][0]["where"] == "body.files.3000.sha256"


@pytest.mark.parametrize("item", ["", "{{", "NaN", '"\udcff"', "1" * 40, "[" * 5000])
def test_a_large_body_that_is_no_json_is_refused(client: Client, item: str) -> None:
    """As a small one is: by a problem that says so, not by a failure."""
    address, as_json = f"/pools/{new_pool(client)}/missing", {"Content-Type": "application/json"}
    for body in (large(item), item):
        content = body.replace("{{", "{").encode(errors="surrogateescape")
        answer = client.post(address, content=content, headers=as_json)
        assert (answer.status_code, slug(answer)) == (422, "validation")


def test_a_body_of_two_lengths_ends_the_connection(client: Client) -> None:
    """Two servers in a row could disagree where such a request ends: what follows it is not answered."""
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head = b"POST /pools HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked"
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), 60) as connection:
        connection.sendall(head + b"\r\n\r\n0\r\n\r\n" + smuggled)
        answer = b"".join(iter(lambda: connection.recv(2**16), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert b"connection: close" in answer.lower()


def test_strangers_send_no_large_body(client: Client) -> None:
    """Before it is known who asks, the service takes no more into memory than a name and a password."""
    login = {"name": "ana", "password": "x" * 20_000}
    answer = client.post("/session", json=login)
    assert (answer.status_code, slug(answer)) == (413, "file-too-large")
    answer = client.post("/session", json=login | {"password": "four wrong words"})
    assert answer.status_code == 401
