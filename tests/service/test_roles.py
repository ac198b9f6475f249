"""Who may do what: every operation, asked by everybody, of everything."""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from service.app import create_app
from store import credentials, events, memberships, principals
from store.settings import Settings
from store.states import ROLES, Role
from store.tables import new_id
from tests.access import WITH_KEY
from tests.conftest import NO_BROKER
from tests.service.operations import OPERATIONS, Operation, Things, furnished, strange
from tests.service.serving import Client, serve
from tests.service.steps import slug
from tests.test_places import ROUTES

Headers = Mapping[str, str]

PEOPLE: Mapping[str, Mapping[str, Role | None]] = {
    **{role: {"ours": role, "theirs": None} for role in ROLES},
    "curator of theirs": {"ours": None, "theirs": "curator"},
}
"""The role of each in our pool and in theirs."""
STRANGERS = ("without a key", "with an expired key", "with a revoked key")
RANKS = {None: 0, **{role: rank for rank, role in enumerate(ROLES, start=1)}}

IN_POOLS = [address for address, operation in OPERATIONS.items() if operation.is_about_a_pool(address)]
METHODS_OF: dict[str, set[str]] = {}
for _method, _path in map(str.split, OPERATIONS):
    METHODS_OF.setdefault(_path, set()).add(_method)

CLOSER = {"GET /metrics": "admin", "PUT /users/{user}/password": "admin"}
"""They declare less and look closer: one has a key of its own, one lets users change their passwords."""

PAGES = {"/docs", "/app", "/app/{address:path}"}
"""Addresses that are not in the document: files for browsers, which hold nothing of a pool."""

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OF_THIS_ANSWER = ("date", "x-request-id")


@dataclass(frozen=True)
class World:
    """A service, what everybody sends to it, and two pools."""

    client: Client
    keys: Mapping[str, Headers]
    ours: Things
    theirs: Things

    @property
    def both(self) -> list[tuple[str, Things]]:
        return [("ours", self.ours), ("theirs", self.theirs)]

    def ask(self, who: str, address: str, operation: Operation, things: Things) -> httpx.Response:
        method, path = address.split()
        return self.send(who, method, operation.path(path, things), **operation.request(things))

    def get(self, who: str, path: str, **params: Any) -> httpx.Response:
        return self.send(who, "GET", path, params=params)

    def send(self, who: str, method: str, path: str, headers: Headers = {}, **request: Any) -> httpx.Response:  # noqa: B006
        return self.client.request(method, path, headers={**self.keys[who], **headers}, **request)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("roles"), broker_url=NO_BROKER, answer_wait_s=0.01, embed_chunk=8
    )
    with serve(settings) as client:
        ours, theirs = furnished(client), furnished(client)
        people = {
            **PEOPLE,
            **{who: {"ours": "curator", "theirs": "curator"} for who in STRANGERS[1:]},
        }
        keys = {who: _key(client, who, roles, ours, theirs) for who, roles in people.items()}
        del client.headers["Authorization"]
        yield World(client, {"administrator": WITH_KEY, STRANGERS[0]: {}, **keys}, ours, theirs)


def _key(client: Client, who: str, roles: Mapping[str, Role | None], ours: Things, theirs: Things) -> Headers:
    """What somebody with these roles sends."""
    with client.service.database.write() as session:
        principals.ensure(session, "guest", admin=False)
        principal = principals.ensure(session, who, admin=False)
        for whose, things in (("ours", ours), ("theirs", theirs)):
            if role := roles[whose]:
                for pool in ("pool_id", "spare_pool_id"):
                    memberships.put(session, uuid.UUID(things[pool]), principal.id, role)
        row, text = credentials.add_key(session, principal.id, who, -1 if "expired" in who else None)
        if "revoked" in who:
            credentials.revoke(session, row)
        return {"Authorization": f"Bearer {text}"}


def expected(address: str, who: str, whose: str) -> tuple[int, ...]:
    """The status codes that are right."""
    operation = OPERATIONS[address]
    if operation.need is None:
        return operation.answers
    if who in STRANGERS:
        return (401,)
    if who == "administrator" or operation.need == "anyone":
        return operation.answers
    role = PEOPLE[who][whose]
    if role is None and address in IN_POOLS:
        return (404,)
    if operation.need == "admin" or RANKS[role] < RANKS[operation.need]:
        return (403,)
    return operation.answers


def told(answer: httpx.Response) -> tuple[Any, ...]:
    """What an answer tells, whatever ids were asked for."""
    headers = {name: value for name, value in answer.headers.items() if name not in OF_THIS_ANSWER}
    return answer.status_code, ID.sub("ID", answer.text), headers


def test_every_operation_has_its_line() -> None:
    """The operations that the matrix asks for are those of the application, with the needs they declare."""
    document = create_app(Settings()).openapi()["paths"]
    documented = [route for route in ROUTES.values() if route.include_in_schema]
    declared: dict[str, str | None] = {}
    for route in documented:
        [method] = route.methods
        security = document[route.path_format][method.lower()].get("security")
        declared[f"{method} {route.path_format}"] = security[0]["key"][0] if security else None
    assert {route.path for route in ROUTES.values()} - {route.path for route in documented} <= PAGES
    declared |= CLOSER
    assert declared == {address: operation.need for address, operation in OPERATIONS.items()}


def test_lists_show_ones_own(world: World) -> None:
    """Pools and jobs are listed to their members, and all of them to an administrator."""
    of = {whose: {things["pool_id"], things["spare_pool_id"]} for whose, things in world.both}
    for who, roles in (*PEOPLE.items(), ("administrator", {"ours": "all", "theirs": "all"})):
        seen = {id for whose, ids in of.items() if roles[whose] for id in ids}
        pools = world.get(who, "/pools").json()["items"]
        assert {pool["id"] for pool in pools} == seen
        told = {pool["id"]: pool["role"] for pool in pools}
        may = {whose: role if role != "all" else "curator" for whose, role in roles.items()}
        assert told == {id: may[whose] for whose, ids in of.items() for id in ids & seen}
        jobs = world.get(who, "/jobs", limit=1000).json()["items"]
        assert {job["pool_id"] for job in jobs} == {
            things["pool_id"] for whose, things in world.both if roles[whose]
        }


@pytest.mark.parametrize("address", IN_POOLS)
def test_what_is_not_seen_is_as_if_it_did_not_exist(world: World, address: str) -> None:
    """What is theirs is answered with the very words for an id that nothing has."""
    operation = OPERATIONS[address]
    hidden = told(world.ask("curator", address, operation, world.theirs))
    assert hidden[0] == 404
    for who in ("curator", "administrator"):
        assert told(world.ask(who, address, operation, strange(world.theirs))) == hidden


NAMING: Mapping[str, tuple[str, Callable[[Things, Things], Any]]] = {
    "a model to start from": (
        "POST /pools/{pool_id}/trainings",
        lambda ours, other: {"json": {"method": "hybrid", "start_from": other["model_id"]}},
    ),
    "a pair": (
        "POST /pools/{pool_id}/trainings",
        lambda ours, other: {"json": {"method": "hybrid", "pairs": [other["image_id"]]}},
    ),
    "a model to evaluate": (
        "POST /pools/{pool_id}/evaluations",
        lambda ours, other: {"json": {"model_id": other["model_id"]}},
    ),
    "a scorer": (
        "POST /pools/{pool_id}/evaluations",
        lambda ours, other: {
            "json": {"model_id": ours["model_id"], "direction": "labels_to_photos"}
            | {"scorer": other["model_id"]}
        },
    ),
    "an evaluation to export": (
        "POST /pools/{pool_id}/exports",
        lambda ours, other: {"params": {"format": "png", "predictions": other["evaluation_id"]}},
    ),
    "a selection to hand out": (
        "POST /pools/{pool_id}/assignments",
        lambda ours, other: {"json": {"selection_id": other["selection_id"]}},
    ),
    "a model that doubts": (
        "GET /pools/{pool_id}/select",
        lambda ours, other: {"params": {"budget": 1, "model": other["model_id"]}},
    ),
    "an image to include": (
        "GET /pools/{pool_id}/select",
        lambda ours, other: {"params": {"budget": 1, "include": other["image_id"]}},
    ),
    "an image to leave out": (
        "GET /pools/{pool_id}/select",
        lambda ours, other: {"params": {"budget": 1, "exclude": other["image_id"]}},
    ),
    "the subject of events": (
        "GET /pools/{pool_id}/events",
        lambda ours, other: {"params": {"subject": other["image_id"]}},
    ),
    "the pool of jobs": ("GET /jobs", lambda ours, other: {"params": {"pool": other["pool_id"]}}),
    "a deleted model": (
        "POST /pools/{pool_id}/evaluations",
        lambda ours, other: {"json": {"model_id": other["gone_model_id"]}},
    ),
}


@pytest.mark.parametrize("what", NAMING)
def test_an_id_of_theirs_in_a_request_about_ours_is_of_nothing(world: World, what: str) -> None:
    """The answer is the one for an id that nothing has."""
    address, naming = NAMING[what]
    method, path = address.split()

    def named(other: Things) -> tuple[Any, ...]:
        at = path.format(**world.ours)
        return told(world.send("curator", method, at, **naming(world.ours, other)))

    assert named(world.theirs) == named(strange(world.theirs))


def test_what_was_deleted_is_told_to_members_alone(world: World) -> None:
    """They get 410, also after it was removed for good; to others its id is one that nothing has."""
    with world.client.service.database.write() as session:
        events.add(session, uuid.UUID(world.theirs["pool_id"]), "removed", "image", removed := new_id())
    for kind, id in (("models", world.theirs["gone_model_id"]), ("images", str(removed))):
        never = told(world.get("viewer", f"/{kind}/{uuid.uuid4()}"))
        assert told(world.get("viewer", f"/{kind}/{id}")) == never
        assert slug(world.get("curator of theirs", f"/{kind}/{id}")) == "gone"


def test_only_an_administrator_removes_for_good(world: World) -> None:
    """To a curator `now` is refused and nothing is deleted; strangers to the pool learn nothing."""
    for kind in ("pool", "image", "label_map", "selection", "job", "model"):
        path = f"/{kind}s/{world.ours[f'spare_{kind}_id']}"
        before = world.get("administrator", path).status_code
        for who, status in (("viewer", 403), ("curator", 403), ("curator of theirs", 404)):
            assert world.send(who, "DELETE", path, params={"now": True}).status_code == status
        assert world.get("administrator", path).status_code == before


def test_idempotency_keys_are_of_one_principal(world: World) -> None:
    """The same key gives each principal a job of its own, and the same one again."""
    of_key = Operation("curator", lambda it: {"headers": {"Idempotency-Key": "same"}})
    made = [
        world.ask(who, "POST /pools/{pool_id}/archive", of_key, world.ours).json()["id"]
        for who in ("curator", "administrator", "curator", "administrator")
    ]
    assert made[:2] == made[2:]
    assert made[0] != made[1]


def test_a_role_counts_from_the_next_request_on(world: World) -> None:
    """Somebody who was given a role reads, with a better one changes, and without it sees nothing."""
    member = f"/pools/{world.ours['pool_id']}/members/curator of theirs"
    image = f"/images/{world.ours['image_id']}"
    for role, statuses in (("viewer", (200, 403)), ("curator", (200, 200)), (None, (404, 404))):
        if role:
            world.send("curator", "PUT", member, json={"role": role}).raise_for_status()
        else:
            world.send("curator", "DELETE", member).raise_for_status()
        asked = (
            world.get("curator of theirs", image),
            world.send("curator of theirs", "PATCH", image, json={}),
        )
        assert tuple(answer.status_code for answer in asked) == statuses


@pytest.mark.parametrize("address", OPERATIONS)
def test_an_operation_is_answered_as_the_role_says(world: World, address: str) -> None:
    """Everybody is answered as their role says, about our pool and about theirs."""
    operation = OPERATIONS[address]
    wrong = []
    for whose, things in world.both if address in IN_POOLS else world.both[:1]:
        strangers = STRANGERS if whose == "ours" else ()
        for who in (*strangers, *PEOPLE, "administrator"):
            answer = world.ask(who, address, operation, things)
            if answer.status_code not in expected(address, who, whose):
                wrong.append(f"{who}, {whose}: {answer.status_code} {answer.text[:200]}")
    assert wrong == []


@pytest.mark.parametrize("path", METHODS_OF)
def test_a_method_that_an_address_does_not_have_is_refused(world: World, path: str) -> None:
    """With 401 to strangers and with 405 to everybody else, whatever the id."""
    methods = METHODS_OF[path]
    wrong = next(method for method in ("PATCH", "POST", "PUT", "DELETE") if method not in methods)
    operation = OPERATIONS[f"{min(methods)} {path}"]
    for who in world.keys:
        status = 401 if who in STRANGERS and operation.need else 405
        assert world.send(who, wrong, operation.path(path, world.theirs)).status_code == status
