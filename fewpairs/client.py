"""The client of one service: its pools, jobs, models, selections and evaluations."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from fewpairs.archives import import_pool
from fewpairs.class_tables import read_class_table
from fewpairs.errors import FewpairsError
from fewpairs.evaluation import Evaluation
from fewpairs.jobs import Job, result_of
from fewpairs.model import Model
from fewpairs.pool import Pool
from fewpairs.resource import Items
from fewpairs.selection import Replay, Selection
from fewpairs.transport import Transport

ClassTable = str | Path | dict[str, Any]
NAME_OF_A_TABLE = re.compile(r"[a-z0-9-]+")


class Client:
    """A running service; `server` defaults to FEWPAIRS_SERVER, else http://127.0.0.1:8000.

    `key` says who asks. It defaults to FEWPAIRS_API_KEY, else to what lets this user in: the token of a
    service that `fewpairs up` runs on this machine, or the key of `fewpairs login`.

    pool = Client().create_pool("street", classes="classes.json")
    pool.upload("photos/")
    picks = pool.select(budget=10)          # … draw their label maps …
    pool.annotate("labels/")
    model = pool.train("hybrid", recipe="tiny").wait().model
    model.translate("photo.jpg").save("labels.png")
    """

    def __init__(self, server: str | None = None, key: str | None = None) -> None:
        self._transport = Transport(server, key)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    @property
    def server(self) -> str:
        return self._transport.server

    def create_pool(
        self,
        name: str,
        classes: ClassTable = "rgb",
        encoder: str | None = None,
        default_strategy: str | None = None,
    ) -> Pool:
        """Create an empty pool.

        `classes` is the class table, `{"ignore": 255, "classes": [{"name": …, "color": [r, g, b]}, …]}`,
        as a dict or as the path of a JSON file, of CVAT's `labelmap.txt` or of CamVid's `label_colors.txt`;
        the name of a known one, "cityscapes"; or "rgb" when the target is an image without classes.
        `default_strategy` answers selections that name no strategy.
        """
        body = {"name": name, "class_table": _class_table(classes), "encoder": encoder}
        body["default_strategy"] = default_strategy
        return Pool(self._transport, self._transport.json("POST", "/pools", json=body, repeatable=False))

    def class_tables(self) -> dict[str, dict[str, Any]]:
        """The class tables of public data sets, by the names that `create_pool` takes."""
        return dict(self._transport.json("GET", "/class_tables"))

    def pools(self, contains: str | None = None, sort: str = "added") -> Items[Pool]:
        """The pools of whoever asks; only those with `contains` in their names.

        `sort` is "added" or "name", with a minus the largest first. `total` of the answer counts them.
        """
        made = partial(Pool, self._transport)
        return Items(self._transport, "/pools", made, contains=contains, sort=sort)

    def pool(self, name_or_id: str) -> Pool:
        """The pool of this name or id. Raises FewpairsError when there is none."""
        for document in self._transport.items("/pools", name=name_or_id):
            return Pool(self._transport, document)
        if not _is_id(name_or_id):
            raise FewpairsError(f"There is no pool called {name_or_id}.", type="not-found", status=404)
        return Pool.get(self._transport, name_or_id)

    def deleted_pools(self) -> Iterator[Pool]:
        """The pools that were deleted and can be taken back."""
        for document in self._transport.items("/pools", deleted=True):
            yield Pool(self._transport, document)

    def delete(self, kind: str, id: str, now: bool = False) -> str:
        """Delete something by its id; `kind` is pool, image, label_map, selection, model or job.

        Returns until when `undelete` can take that back; with `now` it cannot.
        """
        answer = self._transport.json("DELETE", f"/{kind}s/{id}", params={"now": now})
        return str(answer["gone_at"])

    def undelete(self, kind: str, id: str) -> dict[str, Any]:
        """Take a deletion back. Returns the document of what is there again.

        Raises FewpairsError if it is too late.
        """
        return dict(self._transport.json("POST", f"/{kind}s/{id}/undelete"))

    def signed(self, address: str, seconds: int = 300) -> str:
        """The whole address of a GET that needs no key for this time, at most an hour; for `<img>`, say."""
        body = {"address": address, "seconds": seconds}
        return self.server + str(self._transport.json("POST", "/signatures", json=body)["address"])

    def import_pool(
        self, path: str | Path, name: str | None = None, on_progress: Callable[[int], None] | None = None
    ) -> Pool:
        """Take in a pool that `Pool.export` wrote, perhaps on another server; call it again to resume.

        It keeps its ids, so that receipts stay valid, and its name unless `name` is given. Raises
        FewpairsError if the pool, or another one of this name, is here already.
        """
        return Pool(self._transport, import_pool(self._transport, Path(path), name, on_progress))

    def create_key(self, label: str, days: float | None = None, user: str | None = None) -> dict[str, Any]:
        """Make a key, valid for some days or for ever; `"key"` of the answer is its text, shown this once.

        An administrator may name a user. Otherwise the key is of whoever asks.
        """
        body = {"label": label, "expires_in_days": days}
        answer = self._transport.json("POST", "/keys", json=body, params={"user": user}, repeatable=False)
        return dict(answer)

    def list_keys(self, user: str | None = None) -> Iterator[dict[str, Any]]:
        """All keys of whoever asks, or of a user, newest first; without their texts."""
        return self._transport.items("/keys", user=user)

    def revoke_key(self, key_id: str) -> dict[str, Any]:
        return dict(self._transport.json("DELETE", f"/keys/{key_id}"))

    def me(self) -> dict[str, Any]:
        """Who asks: the name, and whether they are an administrator."""
        return dict(self._transport.json("GET", "/me"))

    def create_user(self, name: str, password: str | None = None, admin: bool = False) -> dict[str, Any]:
        """Make a user; as an administrator. Without a password they get in with a key."""
        body = {"name": name, "password": password, "admin": admin}
        return dict(self._transport.json("POST", "/users", json=body, repeatable=False))

    def users(self) -> Iterator[dict[str, Any]]:
        """All users, oldest first; for administrators."""
        return self._transport.items("/users")

    def change_user(
        self, name: str, admin: bool | None = None, disabled: bool | None = None
    ) -> dict[str, Any]:
        """Disable a user or take that back, or say who is an administrator; as an administrator."""
        change = {"admin": admin, "disabled": disabled}
        body = {field: value for field, value in change.items() if value is not None}
        return dict(self._transport.json("PATCH", _of_user(name), json=body))

    def set_password(self, name: str, password: str, current: str | None = None) -> None:
        """Change a password: one's own, with the `current` one, or as an administrator somebody else's."""
        body = {"password": password, "current": current}
        self._transport.request("PUT", f"{_of_user(name)}/password", json=body)

    def settings(self) -> dict[str, Any]:
        """What the server runs with, `{"version", "items"}`, without addresses, paths and secrets; for
        administrators.
        """
        return dict(self._transport.json("GET", "/settings"))

    def jobs(
        self,
        state: str | None = None,
        kind: str | None = None,
        contains: str | None = None,
        sort: str = "-added",
    ) -> Items[Job]:
        """All jobs, or those of one state or kind, newest first.

        `contains` is a part of a training's method, of the pool's name or of the error. `sort`
        is "added", "kind" or "state", with a minus the largest first. `total` of the answer counts them.
        """
        wanted = {"state": state, "kind": kind, "contains": contains, "sort": sort}
        return Items(self._transport, "/jobs", partial(Job, self._transport), **wanted)

    def job(self, job_id: str) -> Job:
        return Job.get(self._transport, job_id)

    def examine(self, repair: bool = False, quick: bool = False) -> Job:
        """Have a worker look for damage in everything that the server keeps; as an administrator.

        The job's `result` is the report. With `repair` it heals what can be healed, with `quick` it leaves
        the bytes of files unread.
        """
        body = {"repair": repair, "quick": quick}
        return Job(self._transport, self._transport.json("POST", "/doctor", json=body, once=True))

    def examined(self) -> dict[str, Any]:
        """The newest report of the doctor; for administrators."""
        return dict(self._transport.json("GET", "/doctor"))

    def audit(
        self,
        pool: Pool | None = None,
        principal_id: str | None = None,
        kind: str | None = None,
        action: str | None = None,
        since: datetime | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Who did what to which thing, when and from where, newest first; for administrators.

        `since` needs a time zone.
        """
        return self._transport.items("/events", **_wanted(pool, principal_id, kind, action, since))

    def export_audit(
        self,
        format: str,
        pool: Pool | None = None,
        principal_id: str | None = None,
        kind: str | None = None,
        action: str | None = None,
        since: datetime | None = None,
    ) -> Iterator[str]:
        """What `audit` lists, as lines of JSON (`jsonl`) or of CSV (`csv`)."""
        wanted = _wanted(pool, principal_id, kind, action, since)
        query = urlencode({name: value for name, value in wanted.items() if value} | {"format": format})
        with self._transport.stream(f"/events/export?{query}") as response:
            yield from response.iter_lines()

    def model(self, model_id: str) -> Model:
        return Model.get(self._transport, model_id)

    def selection(self, selection_id: str) -> Selection:
        return Selection.get(self._transport, selection_id)

    def replay(self, made: Selection | dict[str, Any]) -> Replay:
        """Make a selection again from the photos and annotations of its time, and compare the picks.

        `made` is the selection, its document, or its receipt alone.
        """
        document = made.document if isinstance(made, Selection) else made
        response = self._transport.request("POST", "/selections/replay", json=document, once=True)
        return Replay(self._transport, result_of(self._transport, response))

    def evaluation(self, evaluation_id: str) -> Evaluation:
        return Evaluation.get(self._transport, evaluation_id)


def _wanted(
    pool: Pool | None, principal_id: str | None, kind: str | None, action: str | None, since: datetime | None
) -> dict[str, str | None]:
    """Which events to list, as the service's parameters."""
    return {
        "pool": pool.id if pool else None,
        "principal": principal_id,
        "kind": kind,
        "action": action,
        "since": since.isoformat() if since else None,
    }


def _class_table(classes: ClassTable) -> Any:
    """The class table as the service takes it; a word that is no file is the name of a known table."""
    if isinstance(classes, dict) or (isinstance(classes, str) and NAME_OF_A_TABLE.fullmatch(classes)):
        return classes
    return read_class_table(Path(classes))


def _of_user(name: str) -> str:
    return f"/users/{quote(name, safe='')}"


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
