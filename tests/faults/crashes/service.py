"""A client sends what people send, and notes what was answered with a 2xx."""

import json
import uuid
from pathlib import Path
from typing import Any

from sqlalchemy import select

from migrations import upgrade
from store.tables import Annotation, Image, Job, LabelMap, Pool
from tests.drawings import CLASS_TABLE
from tests.faults.crashes.server import on, tools_of
from tests.faults.crashing import step
from tests.service.serving import serve
from tests.worker.factories import TINY, scene

POOL = "streets"


def prepare(folder: Path) -> None:
    upgrade(on(folder).database)


def act(folder: Path) -> None:
    with serve(on(folder)) as http, (folder / "answered").open("a") as notes:

        def send(name: str, method: str, path: str, *also: int, **options: Any) -> Any:
            step(name)
            answer = http.request(method, path, **options)
            assert answer.is_success or answer.status_code in also, f"{name}: {answer.text}"
            found = answer.json() if answer.content else {}
            if answer.is_success:
                print(json.dumps([name, path, found.get("id")]), file=notes, flush=True)
            return found

        body = {"name": POOL, "class_table": CLASS_TABLE}
        send("pool", "POST", "/pools", 409, json=body)
        [pool] = http.get("/pools", params={"name": POOL}).json()["items"]
        of_pool = f"/pools/{pool['id']}"
        photo = send("photo", "PUT", f"{of_pool}/images/a.png", content=scene(1)[0])
        drawn = f"/images/{photo['id']}/annotation"
        first, second = {"If-None-Match": "*"}, {"If-Match": '"1"'}
        send("label map", "PUT", drawn, 412, content=scene(1)[1], headers=first)
        send("other label map", "PUT", drawn, 412, content=scene(2)[1], headers=second)
        send("unpaired", "PUT", f"{of_pool}/labels/a.png", content=scene(3)[1])
        key = {"Idempotency-Key": "once"}
        options = {"method": "hybrid", "recipe": "tiny", "options": TINY}
        send("training", "POST", f"{of_pool}/trainings", json=options, headers=key)
        gone = send("photo to delete", "PUT", f"{of_pool}/images/b.png", 409, content=scene(4)[0])
        if gone.get("id"):
            send("deletion", "DELETE", f"/images/{gone['id']}", 404, params={"now": True})


def check(folder: Path) -> None:
    """What was answered is there; the pool, the photo and the training are there once at most."""
    notes = folder / "answered"
    lines = [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []
    answered = {name: id for name, _, id in lines}
    tools = tools_of(folder)
    with tools.database.read() as session:
        rows = {"pool": Pool, "photo": Image, "unpaired": LabelMap, "training": Job}
        for name, table in rows.items():
            if name in answered:
                assert session.get(table, uuid.UUID(answered[name])), name
        revisions = session.scalars(select(Annotation.revision)).all()
        assert len(revisions) >= sum(name in answered for name in ("label map", "other label map"))
        assert revisions == sorted(set(revisions))
        assert len(session.scalars(select(Job).where(Job.kind == "train")).all()) <= 1
        assert len(session.scalars(select(Pool)).all()) <= 1
        if "deletion" in answered:
            photo = session.scalar(select(Image).where(Image.name == "b.png"))
            assert photo is None or photo.gone_at


def check_end(folder: Path) -> None:
    tools = tools_of(folder)
    with tools.database.read() as session:
        assert session.scalars(select(Annotation.revision)).all() == [1, 2]
        assert len(session.scalars(select(Job).where(Job.kind == "train")).all()) == 1
