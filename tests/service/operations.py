"""Every operation of the API with what it needs and a request that is valid, for the matrix of roles."""

import hashlib
import io
import json
import uuid
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import update

from store import blobs
from store.tables import Assignment, JobSample
from tests.service.serving import Client
from tests.service.steps import (
    CLASSES,
    add_model,
    annotate,
    embed,
    fail,
    label_map,
    new_pool,
    photo,
    put_photo,
    selection_document,
    succeed,
)
from tests.service.test_assignments import assign, pick_all
from tests.service.test_evaluations import evaluated

Things = dict[str, Any]
"""What is in a pool: ids by the names of path parameters, `spare_…` to delete, and what requests send."""

DONE = (200, 201, 202, 204)
PHOTO, DRAWN = photo(1), label_map()


@dataclass(frozen=True)
class Operation:
    """What an operation needs (None: nothing), and what httpx sends for it."""

    need: str | None
    request: Callable[[Things], Mapping[str, Any]] = lambda it: {}
    at: Mapping[str, str] = field(default_factory=dict)
    """Path parameters: the name of a thing, or a value."""
    answers: tuple[int, ...] = DONE
    """What whoever may do it is answered, for the first time and again."""

    def is_about_a_pool(self, address: str) -> bool:
        """Whether it is about something in a pool that is here."""
        return "_id}" in address or address == "POST /selections/replay"

    def path(self, address: str, things: Things) -> str:
        named = {name: things.get(value, value) for name, value in self.at.items()}
        return address.format(**things | named)


def furnished(client: Client) -> Things:
    """A pool with one thing of each kind, and spare ones."""
    pool_id = new_pool(client)
    images = [put_photo(client, pool_id, f"{n}.jpg", photo(n)) for n in range(5)]
    test = put_photo(client, pool_id, "test.jpg", photo(9), split="test")
    embed(client, pool_id)
    annotate(client, images[0]["id"])
    annotate(client, images[4]["id"])
    annotate(client, test["id"])
    maps = [client.put(f"/pools/{pool_id}/labels/{n}.png", content=DRAWN).json()["id"] for n in "ab"]
    selections = [pick_all(client, pool_id, images[:4]) for _ in range(2)]
    held = assign(client, pool_id, "ana", 2, selection_id=selections[1]).json()["items"]
    with client.service.database.write() as session:
        session.execute(update(Assignment).values(annotator="annotator"))  # who may give it back
    models = [add_model(client, pool_id) for _ in range(2)]
    hook = {"url": RECEIVER}
    hooks = [client.post(f"/pools/{pool_id}/webhooks", json=hook).json()["id"] for _ in range(2)]
    translations = [_translation(client, models[0]) for _ in range(2)]
    return {
        **{"pool_id": pool_id, "pool_name": client.get(f"/pools/{pool_id}").json()["name"]},
        **{"spare_pool_id": new_pool(client), "image_id": images[0]["id"], "sha256": images[0]["sha256"]},
        **{"free_image_id": images[3]["id"], "spare_image_id": images[2]["id"]},
        **{"annotated_image_id": images[4]["id"], "test_image_id": test["id"]},
        **{"label_map_id": maps[0], "spare_label_map_id": maps[1]},
        **{"selection_id": selections[1], "spare_selection_id": selections[0]},
        **{"assignment_id": held[0]["id"], "spare_assignment_id": held[1]["id"]},
        **{"model_id": models[0], "spare_model_id": models[1]},
        "gone_model_id": _deleted_model(client, pool_id),
        **{"webhook_id": hooks[0], "spare_webhook_id": hooks[1]},
        "evaluation_id": evaluated(client, pool_id, models[0]),
        **{"job_id": translations[0], "spare_job_id": translations[1]},
        **{"training_id": client.get(f"/models/{models[0]}").json()["job_id"]},
        "pack_id": _pack(client, pool_id),
        "failed_id": _failed_training(client, pool_id),
        "document": selection_document(pool_id, images[:1]),
    }


def strange(things: Things) -> Things:
    """The same with ids that nothing has."""
    return {name: _other(value) for name, value in things.items()}


def _other(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _other(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_other(each) for each in value]
    try:
        return str(uuid.uuid4()) if uuid.UUID(value) else None
    except (AttributeError, TypeError, ValueError):
        return value


def _translation(client: Client, model_id: str) -> str:
    """A translate job that has ended well."""
    job_id: str = client.post(f"/models/{model_id}/translate", content=photo(uuid.uuid4().int)).json()["id"]
    made = blobs.put(client.service.blobs, [DRAWN])
    succeed(client, job_id, {"label_map": {"sha256": made.sha256, "size": made.size}, "rgb": None})
    with client.service.database.write() as session:
        sample = {"job_id": uuid.UUID(job_id), "step": 1, "sha256": made.sha256, "size_bytes": made.size}
        session.add(JobSample(**sample))
    return job_id


def _deleted_model(client: Client, pool_id: str) -> str:
    model_id = add_model(client, pool_id)
    client.delete(f"/models/{model_id}").raise_for_status()
    return model_id


def _failed_training(client: Client, pool_id: str) -> str:
    job_id: str = client.post(f"/pools/{pool_id}/trainings", json={"method": "hybrid"}).json()["id"]
    fail(client, job_id)
    return job_id


def _pack(client: Client, pool_id: str) -> str:
    """An archive that is there to be downloaded."""
    job_id: str = client.post(f"/pools/{pool_id}/archive").json()["id"]
    with client.service.blobs.incoming() as incoming:
        incoming.write(b"zip")
        held = incoming.hold()
    succeed(client, job_id, {"held": held, "sha256": incoming.sha256, "size_bytes": incoming.size})
    return job_id


def _archive() -> bytes:
    """The records of an archive that holds nothing but a pool."""
    pool = {"id": str(uuid.uuid4()), "name": "from elsewhere", "class_table": CLASSES, "encoder": "resnet50"}
    pool["created_at"] = "2026-01-01T00:00:00+00:00"
    lines = [{"format": "fewpairs-pool", "version": 1}, {"table": "pools", "row": pool}]
    return "\n".join(map(json.dumps, lines)).encode()


def _zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as zip:
        zip.writestr("labels/0.png", DRAWN)
        zip.writestr("classes.json", json.dumps(CLASSES))
    return content.getvalue()


ARCHIVE = _archive()
ARRIVING = {"archive": hashlib.sha256(ARCHIVE).hexdigest()}
PART = {"kind": "photo", "sha256": hashlib.sha256(PHOTO).hexdigest()}
RECEIVER = "https://example.org/fewpairs"
EXPORT = _zipped()
"""An export of label maps in the format `png`."""

Request = Mapping[str, Any]


def sends(**request: Any) -> Callable[[Things], Request]:
    """The same request, whatever the things are."""
    return lambda it: request


VIEWED, DRAWS, CURATED, ADMINISTERED = (
    Operation(need) for need in ("viewer", "annotator", "curator", "admin")
)
ANYBODY = Operation("anyone")

OPERATIONS: Mapping[str, Operation] = {
    "GET /class_tables": ANYBODY,
    "GET /pools": ANYBODY,
    "POST /pools": Operation(
        "anyone", lambda it: {"json": {"name": str(uuid.uuid4()), "class_table": "rgb"}}
    ),
    "GET /pools/{pool_id}": VIEWED,
    "PATCH /pools/{pool_id}": Operation("curator", lambda it: {"json": {"name": it["pool_name"]}}),
    "PATCH /pools/{pool_id}/class_table": Operation(
        "curator", sends(json={"change": {"car": {"color": [64, 0, 128]}}})
    ),
    "POST /pools/{pool_id}/undelete": CURATED,
    "DELETE /pools/{pool_id}": Operation("curator", at={"pool_id": "spare_pool_id"}),
    "GET /pools/{pool_id}/members": VIEWED,
    "PUT /pools/{pool_id}/members/{principal}": Operation(
        "curator", sends(json={"role": "viewer"}), {"principal": "guest"}
    ),
    "DELETE /pools/{pool_id}/members/{principal}": Operation("curator", at={"principal": "guest"}),
    "POST /pools/{pool_id}/archive": CURATED,
    "GET /jobs/{job_id}/archive": Operation("viewer", at={"job_id": "pack_id"}),
    "PUT /archives/{archive}": Operation("admin", sends(content=ARCHIVE), ARRIVING),
    "GET /archives/{archive}/missing": Operation("admin", at=ARRIVING),
    "PUT /archives/{archive}/parts/{kind}/{sha256}": Operation(
        "admin", sends(content=PHOTO), ARRIVING | PART
    ),
    "POST /archives/{archive}/pool": Operation("admin", at=ARRIVING),
    "GET /pools/{pool_id}/images": VIEWED,
    "POST /pools/{pool_id}/missing": Operation("viewer", sends(json={"files": []})),
    "GET /images/{image_id}": VIEWED,
    "PATCH /images/{image_id}": Operation("curator", sends(json={"excluded": False})),
    "DELETE /images/{image_id}": Operation("curator", at={"image_id": "spare_image_id"}),
    "POST /images/{image_id}/undelete": CURATED,
    "GET /images/{image_id}/content": VIEWED,
    "PUT /images/{image_id}/content": Operation(
        "curator", lambda it: {"content": photo(0), "headers": {"If-Match": f'"{it["sha256"]}"'}}
    ),
    "GET /images/{image_id}/thumbnail": VIEWED,
    "GET /images/{image_id}/similar": VIEWED,
    "POST /images/{image_id}/suggestion": DRAWS,
    "GET /images/{image_id}/suggestion": DRAWS,
    "GET /images/{image_id}/annotation": VIEWED,
    "GET /images/{image_id}/annotation/thumbnail": VIEWED,
    "PUT /images/{image_id}/annotation": Operation(
        "annotator",
        sends(content=DRAWN, headers={"If-None-Match": "*"}),
        {"image_id": "free_image_id"},
        answers=(201, 412),
    ),
    "DELETE /images/{image_id}/annotation": Operation(
        "annotator", sends(headers={"If-Match": '"1"'}), {"image_id": "annotated_image_id"}
    ),
    "POST /images/{image_id}/annotation/revert": Operation(
        "annotator", sends(headers={"If-None-Match": "*"}), {"image_id": "annotated_image_id"}, (201, 412)
    ),
    "GET /images/{image_id}/draft": DRAWS,
    "PUT /images/{image_id}/draft": Operation("annotator", sends(content=DRAWN)),
    "DELETE /images/{image_id}/draft": DRAWS,
    "GET /images/{image_id}/annotation/revisions": VIEWED,
    "GET /pools/{pool_id}/labels": VIEWED,
    "GET /pools/{pool_id}/labels/{name}": Operation("viewer", at={"name": "a.png"}),
    "PUT /pools/{pool_id}/labels/{name}": Operation("curator", sends(content=DRAWN), {"name": "new.png"}),
    "DELETE /label_maps/{label_map_id}": Operation("curator", at={"label_map_id": "spare_label_map_id"}),
    "POST /label_maps/{label_map_id}/undelete": CURATED,
    "GET /pools/{pool_id}/select": Operation("curator", sends(params={"budget": 1})),
    "POST /pools/{pool_id}/select": Operation("curator", sends(json={"budget": 1, "seed": 1})),
    "GET /pools/{pool_id}/selections": VIEWED,
    "GET /selections/{selection_id}": VIEWED,
    "DELETE /selections/{selection_id}": Operation("curator", at={"selection_id": "spare_selection_id"}),
    "POST /selections/{selection_id}/undelete": CURATED,
    "POST /selections/replay": Operation("curator", lambda it: {"json": it["document"]}),
    "GET /selections/{selection_id}/explanation": VIEWED,
    "GET /selections/{selection_id}/map": VIEWED,
    "GET /selections/{selection_id}/map.png": VIEWED,
    "GET /selections/{selection_id}/curve.png": VIEWED,
    "GET /selections/{selection_id}/picks/{rank}/images": Operation("viewer", at={"rank": "1"}),
    "POST /pools/{pool_id}/search": Operation("annotator", sends(content=PHOTO)),
    "GET /pools/{pool_id}/duplicates": VIEWED,
    "GET /pools/{pool_id}/map": VIEWED,
    "GET /pools/{pool_id}/assignments": VIEWED,
    "POST /pools/{pool_id}/assignments": Operation("annotator", sends(json={}), answers=(200, 409)),
    "POST /assignments/{assignment_id}/renew": Operation("annotator", sends(json={})),
    "DELETE /assignments/{assignment_id}": Operation(
        "annotator", at={"assignment_id": "spare_assignment_id"}
    ),
    "POST /pools/{pool_id}/imports": Operation("curator", sends(content=EXPORT, params={"format": "png"})),
    "POST /pools/{pool_id}/scenes": Operation("curator", sends(json={"count": 2}), answers=(422,)),
    "POST /pools/{pool_id}/exports": Operation("curator", sends(params={"format": "png"})),
    "GET /pools/{pool_id}/webhooks": CURATED,
    "POST /pools/{pool_id}/webhooks": Operation("curator", sends(json={"url": RECEIVER})),
    "POST /pools/{pool_id}/webhooks/{webhook_id}/ping": CURATED,
    "GET /pools/{pool_id}/webhooks/{webhook_id}/deliveries": CURATED,
    "DELETE /pools/{pool_id}/webhooks/{webhook_id}": Operation(
        "curator", at={"webhook_id": "spare_webhook_id"}, answers=(204, 404)
    ),
    "GET /pools/{pool_id}/events": VIEWED,
    "GET /pools/{pool_id}/events/stream": Operation("viewer", sends(params={"for_s": 0})),
    "GET /pools/{pool_id}/advice": VIEWED,
    "POST /pools/{pool_id}/trainings": Operation("curator", sends(json={"method": "hybrid"})),
    "GET /jobs": ANYBODY,
    "GET /jobs/{job_id}": VIEWED,
    "GET /jobs/{job_id}/metrics": VIEWED,
    "GET /jobs/{job_id}/events": VIEWED,
    "GET /jobs/{job_id}/samples": VIEWED,
    "GET /jobs/{job_id}/samples/{step}": Operation("viewer", at={"step": "1"}),
    "GET /jobs/{job_id}/log": VIEWED,
    "GET /jobs/{job_id}/output": VIEWED,
    "POST /jobs/{job_id}/cancel": CURATED,
    "POST /jobs/{job_id}/finish": Operation("curator", at={"job_id": "training_id"}),
    "POST /jobs/{job_id}/retry": Operation("curator", at={"job_id": "failed_id"}),
    "DELETE /jobs/{job_id}": Operation("curator", at={"job_id": "spare_job_id"}),
    "POST /jobs/{job_id}/undelete": CURATED,
    "GET /pools/{pool_id}/models": VIEWED,
    "POST /pools/{pool_id}/models": Operation("admin", sends(content=b"onnx")),
    "GET /models/{model_id}": VIEWED,
    "GET /models/{model_id}/files/{name}": Operation("viewer", at={"name": "spec.json"}),
    "POST /models/{model_id}/translate": Operation("annotator", sends(content=PHOTO)),
    "DELETE /models/{model_id}": Operation("curator", at={"model_id": "spare_model_id"}),
    "POST /models/{model_id}/undelete": CURATED,
    "POST /pools/{pool_id}/evaluations": Operation(
        "curator", lambda it: {"json": {"model_id": it["model_id"]}}
    ),
    "GET /evaluations/{evaluation_id}": VIEWED,
    "GET /evaluations/{evaluation_id}/confusion": VIEWED,
    "GET /evaluations/{evaluation_id}/images": VIEWED,
    "GET /evaluations/{evaluation_id}/images/{image_id}/prediction": Operation(
        "viewer", at={"image_id": "test_image_id"}
    ),
    "GET /evaluations/{evaluation_id}/images/{image_id}/prediction/thumbnail": Operation(
        "viewer", at={"image_id": "test_image_id"}, answers=(422,)
    ),  # these predictions are no pictures
    # Photos that are new wait to be embedded, and some of the questions above wait with them.
    "PUT /pools/{pool_id}/images/{name}": Operation("curator", sends(content=photo(21)), {"name": "new.jpg"}),
    "POST /pools/{pool_id}/images": Operation("curator", sends(files={"files": ("2.jpg", photo(22))})),
    "GET /events": ADMINISTERED,
    "GET /events/export": ADMINISTERED,
    "GET /me": ANYBODY,
    "GET /users": ADMINISTERED,
    "POST /users": Operation("admin", lambda it: {"json": {"name": str(uuid.uuid4())}}),
    "PATCH /users/{user}": Operation("admin", sends(json={"admin": False}), {"user": "guest"}),
    "PUT /users/{user}/password": Operation(
        "admin", sends(json={"password": "four words of hers"}), {"user": "guest"}
    ),
    "POST /signatures": Operation("anyone", sends(json={"address": "/pools"})),
    "POST /session": Operation(
        None, sends(json={"name": "guest", "password": "not hers"}), answers=(401, 429)
    ),
    "GET /session": Operation(None, sends(params={"token": "none"}), answers=(303,)),
    "DELETE /session": Operation(None),
    "GET /healthz": Operation(None),
    "GET /readyz": Operation(None),
    "GET /metrics": Operation("admin"),
    "POST /doctor": Operation("admin", sends(json={"quick": True})),
    "GET /doctor": Operation("admin", answers=(404,)),
    "GET /settings": ADMINISTERED,
    "GET /problems": Operation(None),
    "GET /problems/{slug}": Operation(None, at={"slug": "not-found"}),
    "GET /keys": ANYBODY,
    "POST /keys": Operation("anyone", sends(json={"label": "laptop"})),
    "DELETE /keys/{key_id}": Operation("anyone", at={"key_id": str(uuid.uuid4())}, answers=(404,)),
}
