"""The service answers as its OpenAPI document says, whatever it is sent."""

from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from service.app import create_app
from store.settings import Settings
from tests.access import WITH_KEY
from tests.service import schemathesis_hooks  # noqa: F401 - registers how bodies are sent
from tests.service.serving import Client
from tests.service.steps import annotate, label_map, new_pool, put_photo
from tests.service.test_assignments import assign, pick_all


@pytest.fixture(scope="session")
def known_ids(client: Client) -> dict[str, str]:
    return new_ids(client)


def new_ids(client: Client) -> dict[str, str]:
    """Ids of existing rows, by the name of their path parameter."""
    pool_id = new_pool(client)
    image = put_photo(client, pool_id, "a.jpg")
    annotate(client, image["id"])
    job = client.post(f"/pools/{pool_id}/trainings", json={}).json()
    label_map_id = client.put(f"/pools/{pool_id}/labels/a.png", content=label_map()).json()["id"]
    model = client.post(f"/pools/{pool_id}/models", content=b"onnx").json()
    selection_id = pick_all(client, pool_id, [image, put_photo(client, pool_id, "b.jpg")])
    [assignment] = assign(client, pool_id, "ana").json()["items"]
    ids = {"pool": pool_id, "image": image["id"], "job": job["id"], "model": model["id"]}
    ids |= {"selection": selection_id, "assignment": assignment["id"], "label_map": label_map_id}
    return {f"{name}_id": id for name, id in ids.items()}


# A stream of events is not JSON and lasts as long as its job; test_jobs reads it.
document = create_app(Settings()).openapi()
schema = schemathesis.openapi.from_dict(document).exclude(path_regex="^/jobs/.*/events$|/events/stream$")
operations = {found.ok().label: found.ok() for found in schema.get_all_operations()}


@pytest.mark.parametrize("operation", operations.values(), ids=operations.keys())
def test_answers_are_as_documented(operation: Any, client: Client, known_ids: dict[str, str]) -> None:
    """No answer is a 500, and the document lists every status, type and body, for known and unknown ids."""
    ids = new_ids(client) if operation.method == "delete" else known_ids

    @hypothesis.given(case=operation.as_strategy())
    @hypothesis.settings(
        max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    def call(case: Any) -> None:
        for name in case.path_parameters or {}:
            case.path_parameters[name] = ids.get(name, case.path_parameters[name])
        answer = case.call_and_validate(
            base_url=str(client.base_url),
            headers=WITH_KEY,
            checks=[
                not_a_server_error,
                status_code_conformance,
                content_type_conformance,
                response_schema_conformance,
            ],
        )
        assert answer.status_code != 401 or case.path == "/session"

    call()
