"""Helpers that make files, fill pools, and act as the worker."""

import io
import struct
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from PIL import Image

from service.runtime import Service
from service.selections import schemas
from store import blobs, jobs, models
from store.question import Question
from store.tables import Image as ImageRow
from store.tables import Model, Selection, Shard, new_id
from tests import published
from tests.service.serving import Client

CLASSES = {
    "ignore": 255,
    "classes": [{"name": "road", "color": [128, 64, 128]}, {"name": "car", "color": [64, 0, 128]}],
}
WEIGHTS = b"safetensors" * 1000
ABSENT = {"If-None-Match": "*"}
NOTES = {"encoder": "efficientnet_lite0", "converged": True, "temperature": 1.25}
GREY, RGB = 0, 2


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, format, **options)
    return content.getvalue()


def photo(seed: int = 0, format: str = "JPEG", size: tuple[int, int] = (32, 24), **options: Any) -> bytes:
    """A photo that differs from the photos of other seeds."""
    image = Image.new("RGB", size, (seed % 256, seed // 256 % 256, 90))
    image.paste((200, 30, 30), (4, 4, 12, 12))
    return encoded(image, format, **options)


def label_map(value: int = 1, size: tuple[int, int] = (32, 24), mode: str = "L") -> bytes:
    image = Image.new(mode, size, 0)
    image.paste(value, (0, 0, 8, 8))
    return encoded(image, "PNG")


def png(width: int, height: int, depth: int, kind: int, compressed_rows: bytes) -> bytes:
    """A PNG of a kind that Pillow does not write; `kind` is GREY or RGB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", compressed_rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def new_pool(client: Client, class_table: Any = CLASSES) -> str:
    made = client.post("/pools", json={"name": f"pool {uuid.uuid4()}", "class_table": class_table})
    assert made.status_code == 201, made.text
    pool_id: str = made.json()["id"]
    return pool_id


def put_photo(
    client: Client, pool_id: str, name: str, content: bytes | None = None, split: str = "train"
) -> dict[str, Any]:
    """Upload a new photo and return its record."""
    response = client.put(
        f"/pools/{pool_id}/images/{name}",
        params={"split": split},
        content=content or photo(zlib.crc32(name.encode())),
    )
    assert response.status_code == 201, response.text
    record: dict[str, Any] = response.json()
    return record


def annotate(client: Client, image_id: str, content: bytes | None = None) -> None:
    response = client.put(f"/images/{image_id}/annotation", content=content or label_map(), headers=ABSENT)
    assert response.status_code == 201, response.text


def embed(client: Client, pool_id: str) -> None:
    """End the pool's embed jobs as a worker would, without embeddings."""
    for job in embed_jobs(client, pool_id):
        with client.service.database.write() as session:
            claim = jobs.claim(session, uuid.UUID(job["id"]), worker="test", lease_s=60)
            assert claim
            images = session.query(ImageRow).filter(ImageRow.embed_job_id == claim.job_id).all()
            shard = Shard(
                id=new_id(),
                pool_id=claim.pool_id,
                job_id=claim.job_id,
                sha256="0" * 64,
                image_ids=[image.id.hex for image in images],
            )
            jobs.succeed(session, claim, {"shard_id": str(shard.id)})
            session.add(shard)
            session.flush()
            for image in images:
                image.shard_id = shard.id


def embedded_pool(client: Client, count: int = 4) -> tuple[str, list[dict[str, Any]]]:
    """A new pool with this many embedded photos, and their records."""
    pool_id = new_pool(client)
    images = [put_photo(client, pool_id, f"{n}.jpg", photo(n)) for n in range(count)]
    embed(client, pool_id)
    return pool_id, images


def succeed(client: Client, job_id: str, result: dict[str, Any]) -> None:
    """End a queued job as a worker would."""
    with client.service.database.write() as session:
        claim = jobs.claim(session, uuid.UUID(job_id), worker="test", lease_s=60)
        assert claim
        jobs.succeed(session, claim, result)


def fail(client: Client, job_id: str, detail: str = "The loss is not a number.") -> None:
    """End a queued job as failed, as a worker would."""
    with client.service.database.write() as session:
        claim = jobs.claim(session, uuid.UUID(job_id), worker="test", lease_s=60)
        assert claim
        jobs.fail(session, claim, type="training-diverged", detail=detail)


def embed_jobs(client: Client, pool_id: str, state: str = "queued") -> list[dict[str, Any]]:
    """The pool's embed jobs in this state, newest first."""
    params = {"pool": pool_id, "kind": "embed", "state": state}
    found: list[dict[str, Any]] = client.get("/jobs", params=params).json()["items"]
    return found


def receipt(pool_id: str, **values: Any) -> dict[str, Any]:
    """A receipt as a worker writes it."""
    digests = ("images_digest", "tests_digest", "weights_digest", "annotated_digest", "picks_digest")
    question = Question(budget=1, strategy="kmedoids", seed=0)
    return {
        **{"pool_id": pool_id, **asdict(question), "include": [], "exclude": [], "candidates": []},
        **{"image_count": 4, "last_image_id": str(new_id()), "encoder": "resnet50"},
        **{
            "labelled": [],
            "revisions": None,
            "not_in_use": [],
            "algorithm_version": "1",
            "computed_with": {"numpy": "2"},
        },
        **dict.fromkeys(digests, "0" * 64),
        **values,
    }


def selection_document(pool_id: str, images: list[dict[str, Any]]) -> dict[str, Any]:
    """A Selection as a worker writes it, which picks these images in this order."""
    figures = {"cluster_size": 1, "mean_distance": 0.0, "coverage": 0.5, "gain": None}
    nothing = {"test_distance": None, "near_test_count": 0, "near_test": [], "near_test_kept_count": 0}
    nothing |= {"near_test_kept": [], "duplicates_within": None, "duplicate_count": 0, "duplicates": []}
    document = {
        "id": str(new_id()),
        "pool_id": pool_id,
        **{"budget": len(images), "strategy": "kmedoids", "seed": 0},
        "picks": [
            {"rank": rank, "image_id": image["id"], "name": image["name"], **figures}
            for rank, image in enumerate(images, start=1)
        ],
        "coverage": {"mean": 0.5, "maximum": 0.9, "within": 0.8, "delta": 0.6},
        "left_out": nothing,
        "receipt": receipt(pool_id, budget=len(images)),
    }
    published.check(schemas.Selection, document)
    return document


def shown(document: dict[str, Any]) -> dict[str, Any]:
    """A Selection as the service shows it, when nothing has become of its picks."""
    return document | {"deleted": [], "explainable": True}


def add_selection(client: Client, job: dict[str, Any], document: dict[str, Any]) -> None:
    """End a select job as a worker would."""
    row = Selection(
        id=uuid.UUID(document["id"]),
        pool_id=uuid.UUID(job["pool_id"]),
        job_id=uuid.UUID(job["id"]),
        document=document,
    )
    with client.service.database.write() as session:
        claim = jobs.claim(session, row.job_id, worker="test", lease_s=60)
        assert claim
        jobs.succeed(session, claim, {"selection_id": str(row.id)})
        session.add(row)


def add_model(client: Client, pool_id: str, method: str = "hybrid", spec: Any = None, **learned: Any) -> str:
    """Add a model as a training does, to a pool with an annotated train image, and return its id. `learned`
    is put into its receipt.
    """
    job = client.post(f"/pools/{pool_id}/trainings", json={"method": method}).json()
    model = Model(
        id=new_id(),
        pool_id=uuid.UUID(pool_id),
        job_id=uuid.UUID(job["id"]),
        method=method,
        spec=spec or {"recipe": "tiny"},
        receipt={
            **{"pairs": [], "unpaired_photos": 0, "unpaired_label_maps": {}},
            **{"losses": {"g": 1.0}, "notes": NOTES, **learned},
        },
    )
    contents = {"photo_to_label.safetensors": WEIGHTS, "spec.json": b"{}"}
    if method != "fcn8s":
        contents["label_to_photo.safetensors"] = WEIGHTS[:-1]
    files = {name: blobs.put(client.service.blobs, [content]) for name, content in contents.items()}
    with client.service.database.write() as session:
        models.add(session, model, files)
    succeed(client, job["id"], {"model_id": str(model.id)})
    return str(model.id)


def slug(response: Any) -> str:
    """The problem's slug, after a check of the document's form."""
    document = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "instance"} <= set(document)
    assert document["status"] == response.status_code
    kind: str = document["type"]
    return kind.removeprefix("/problems/")


def everything(client: Client, pool_id: str) -> dict[str, Any]:
    """Everything that a refused request must not change."""
    service = client.service
    return {
        "pool": client.get(f"/pools/{pool_id}").json(),
        "jobs": client.get("/jobs", params={"pool": pool_id}).json()["items"],
        "images": client.get(f"/pools/{pool_id}/images").json()["items"],
        "blobs": sorted(_files(service)),
    }


def _files(service: Service) -> Iterator[str]:
    root = service.settings.data_dir / "blobs"
    return (str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
