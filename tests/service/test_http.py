"""Behaviour that all addresses share: request ids, logs and documentation."""

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from service.app import create_app
from service.http import problems
from store.settings import Settings
from tests.service.serving import Client
from tests.service.steps import slug


def test_every_answer_has_a_request_id_and_is_not_sniffed(client: Client) -> None:
    """The client's id comes back, so that logs of two systems can be joined; an invalid id is replaced."""
    assert client.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    answer = client.get("/nowhere", headers={"X-Request-ID": "a b"})
    assert len(answer.headers["x-request-id"]) == 32
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_unexpected_error_is_logged_and_answered_under_its_request_id(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer has the usual headers, and its request id is in the log line with the traceback."""
    monkeypatch.setattr(client.service, "readiness", None)
    with capture_logs([merge_contextvars]) as lines:
        answer = client.get("/readyz", headers={"X-Request-ID": "abc-2"})
    assert (answer.status_code, slug(answer)) == (500, "internal-error")
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "abc-2"
    assert answer.headers["x-content-type-options"] == "nosniff"
    [line] = [line for line in lines if line["event"] == "request.failed"]
    assert line["request_id"] == "abc-2"
    assert isinstance(line["exc_info"], AttributeError)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_address_is_not_taken_for_one_with_an_id(client: Client, method: str) -> None:
    """`replay` is no id of a selection: the method is refused, and the one that is accepted is named."""
    answer = client.request(method, "/selections/replay")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_the_document_describes_every_address() -> None:
    """Each operation has a described tag, a summary, and its errors as problem+json with slugs."""
    document = create_app(Settings()).openapi()
    described = {tag["name"] for tag in document["tags"] if tag["description"]}
    slugs = set()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert set(operation["tags"]) <= described, path
            assert operation["summary"], path
            for status, response in operation["responses"].items():
                assert response["description"], (method, path, status)
                if int(status) >= 400:
                    content = response["content"]
                    assert list(content) == ["application/problem+json"], (method, path, status)
                    slugs |= set(content["application/problem+json"]["examples"])
    assert "HTTPValidationError" not in document["components"]["schemas"]
    of_every_address = {"method-not-allowed", "foreign-site", "host-not-allowed", "request-timeout"}
    of_every_address |= {"bytes-missing"}
    inside_an_upload = {"archive-unsafe-entry", "upload-too-large"}
    assert set(problems.BY_SLUG) - slugs == of_every_address | inside_an_upload


def test_the_interactive_page_needs_no_other_server(client: Client) -> None:
    """The page and its scripts come from this service, and its Swagger UI can show OpenAPI 3.1."""
    page = client.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        assert f"/docs/assets/{asset}" in page
        assert client.get(f"/docs/assets/{asset}").status_code == 200
    assert client.get("/openapi.json").json()["openapi"].startswith("3.1")
    assert 'VERSION:"5.' in client.get("/docs/assets/swagger-ui-bundle.js").text
