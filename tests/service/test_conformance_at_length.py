"""`make conformance EXAMPLES=2`: schemathesis with all its phases and checks, for an hour or more.

It makes requests of the OpenAPI document, valid and invalid ones, and sequences of requests that use what
earlier ones made, as a principal of each role.
"""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from store import credentials, memberships, principals
from store.states import ROLES
from tests.pages import ROOT
from tests.service.serving import Client
from tests.service.test_conformance import new_ids

HOOKS = "tests.service.schemathesis_hooks"
EXAMPLES = os.environ.get("EXAMPLES", "2")
"""The most requests of an operation in each phase."""
STREAMS = "^/jobs/.*/events$|/events/stream$"
"""Streams of events are no JSON, and last as long as their jobs."""
STATUSES = {
    "positive_data_acceptance": ["2xx", "3xx", "4xx"],
    "negative_data_rejection": ["4xx"],
}
"""A request can fit the document and still contradict what is stored: a pool that was deleted (410), a
revision that is not the newest (412), bytes that are no photo (422)."""
KNOWN = 0.7
"""The share of requests that name things that are there."""


def key_of(client: Client, role: str, pool_id: str) -> str:
    """What a principal of this role in the pool sends: an administrator, or somebody with a role or none."""
    with client.service.database.write() as session:
        principal = principals.ensure(session, f"the {role}", admin=role == "administrator")
        if role in ROLES:
            memberships.put(session, uuid.UUID(pool_id), principal.id, role)
        return credentials.add_key(session, principal.id, "conformance")[1]


def configuration(ids: Mapping[str, str]) -> str:
    named = [f'[dictionaries.{name}]\nvalues = ["{id}"]' for name, id in ids.items()]
    bound = [f'{name} = {{dictionary = "{name}", probability = {KNOWN}}}' for name in ids]
    lines = [*named, "[parameters]", *bound]
    for check, statuses in STATUSES.items():
        lines.append(f"[checks.{check}]\nexpected-statuses = {json.dumps(statuses)}")
    return "\n".join(lines)


def requests_sent(report: Path) -> int:
    """The number of requests in schemathesis' report of its events."""
    events: list[dict[str, Any]] = [json.loads(line) for line in report.read_text().splitlines()]
    scenarios = [event["ScenarioFinished"] for event in events if "ScenarioFinished" in event]
    return sum(len(scenario["recorder"].get("interactions", {})) for scenario in scenarios)


@pytest.mark.slow
@pytest.mark.parametrize("role", ["administrator", *reversed(ROLES), "stranger"])
def test_any_sequence_of_requests_is_answered_as_documented(
    client_of_each: Client, role: str, tmp_path: Path
) -> None:
    """No answer is a 500 or against the document."""
    client, report = client_of_each, tmp_path / "report.ndjson"
    ids = new_ids(client)
    key = key_of(client, role, ids["pool_id"])
    client.get("/openapi.json")  # which takes the longest the first time
    (tmp_path / "schemathesis.toml").write_text(configuration(ids))
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", tmp_path / "schemathesis.toml"),
        *("run", f"{client.base_url}/openapi.json", "--exclude-path-regex", STREAMS),
        *("--header", f"Authorization: Bearer {key}"),
        *("--max-examples", EXAMPLES, "--continue-on-failure"),
        *("--request-timeout", "120", "--warnings", "off"),
        *("--report", "ndjson", "--report-ndjson-path", report),
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": HOOKS}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    print(f"{role}: {requests_sent(report)} requests\n{ran.stdout[-20000:]}")  # noqa: T201
    assert ran.returncode == 0, ran.stdout
