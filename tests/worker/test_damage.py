"""Bytes that changed on disk are noticed wherever a job reads them."""

import io
import threading
import uuid

import pytest
from PIL import Image as Picture

from store.blobs import LocalBlobs
from store.tables import Annotation, Image
from tests.drawings import drawing
from tests.worker.factories import Pools, scene
from worker.attempt import Tools
from worker.run import run


@pytest.fixture
def database_url() -> str:
    return ""


def bitmap(seed: int) -> bytes:
    """A BMP photo, which has no checksum: a changed byte is another colour."""
    content = io.BytesIO()
    Picture.fromarray(drawing(seed)[0]).save(content, "BMP")
    return content.getvalue()


def flip_a_byte(tools: Tools, sha256: str) -> None:
    """Change the last byte of a blob, as a disk or a program might."""
    assert isinstance(tools.blobs, LocalBlobs)
    path = tools.blobs.path(sha256)
    content = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def annotated_bitmap(tools: Tools, pools: Pools) -> tuple[uuid.UUID, Image, Annotation]:
    pool_id = pools.pool()
    _, [image_id] = pools.photos(pool_id, [bitmap(1)])
    pools.annotation(image_id, scene(1)[1])
    with tools.database.read() as session:
        [annotation] = session.query(Annotation).filter_by(image_id=image_id)
        return pool_id, session.get_one(Image, image_id), annotation


def test_no_job_goes_on_with_a_damaged_photo(tools: Tools, pools: Pools, shutdown: threading.Event) -> None:
    """Embedding, training and exporting a pool end with an error that names the photo and says what to do;
    with the bytes back, the same orders succeed.
    """
    pool_id, photo, _ = annotated_bitmap(tools, pools)
    flip_a_byte(tools, photo.sha256)

    def orders() -> list[uuid.UUID]:
        return [
            pools.training(pool_id, [photo.id], method="pix2pix", total_steps=1),
            pools.job(pool_id, "pack", {}),
        ]

    for job_id in (photo.embed_job_id, *orders()):
        run(job_id, tools, shutdown)
        job = pools.get(job_id)
        assert job.error, job.kind
        assert (job.kind, job.state, job.error["type"]) == (job.kind, "failed", "blob-damaged")
        assert f"the photo {photo.name} of the pool" in job.error["detail"]
        assert "Send the same file again" in job.error["detail"]

    assert pools.content(bitmap(1)) == photo.sha256
    for job_id in orders():
        run(job_id, tools, shutdown)
        assert pools.get(job_id).state == "succeeded"


def test_no_job_goes_on_with_a_damaged_label_map(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """An export of label maps names the photo and the revision whose label map is damaged."""
    pool_id, photo, annotation = annotated_bitmap(tools, pools)
    flip_a_byte(tools, annotation.sha256)
    spec = {"format": "png", "predictions": None, "revisions": False, "picks": False}
    export = pools.job(pool_id, "export", spec)
    run(export, tools, shutdown)
    error = pools.get(export).error
    assert error
    assert error["type"] == "blob-damaged"
    assert f"the label map of {photo.name}" in error["detail"]
    assert "(revision 1)" in error["detail"]
