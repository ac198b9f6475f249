"""Explanations of the types of problems."""

from service.http import problems
from tests.service.serving import Client


def test_every_problem_is_explained(client: Client) -> None:
    """The `type` of each problem is an address that answers with its title."""
    listed = client.get("/problems").json()
    assert {entry["type"] for entry in listed} == {f"/problems/{slug}" for slug in problems.BY_SLUG}
    for entry in listed:
        assert client.get(entry["type"]).json() == entry
