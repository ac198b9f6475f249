"""Log lines as the terminal shows them."""

import json
from typing import Any

import pytest

from fewpairs.embedded.log_lines import readable

REQUEST = {"event": "request", "method": "PUT", "path": "/a", "status": 201, "ms": 12.34, "level": "info"}
STAMP = {"timestamp": "2026-01-02T03:04:05.678901Z"}


def shown(record: dict[str, Any]) -> str | None:
    text = readable(json.dumps(record | STAMP))
    return text.plain if text else None


def test_a_request_that_failed_is_one_short_line() -> None:
    """Method, path, status and milliseconds are shown. What succeeded is not: the address stays in sight."""
    assert shown(REQUEST) is None
    assert shown(REQUEST | {"method": "GET", "status": 200}) is None
    assert shown(REQUEST | {"status": 500}) == "03:04:05 PUT /a → 500 in 12 ms"
    assert shown(REQUEST | {"method": "GET", "status": 404}) == "03:04:05 GET /a → 404 in 12 ms"


def test_another_event_keeps_its_details() -> None:
    """Other events of the API are shown with all their values."""
    record = {"event": "bell.not_heard", "level": "warning", "job": "1", "error": "refused"}
    assert shown(record) == "03:04:05 bell.not_heard job=1 error=refused"


@pytest.mark.parametrize(
    "line", ["plain words", "[1, 2]", '"text"', "{}", '{"event": 1, "timestamp": 2}', "{"]
)
def test_any_other_line_is_shown_as_it_is(line: str) -> None:
    """A line that is no JSON record is shown as it is."""
    text = readable(line)
    assert text is not None
    assert text.plain == line
