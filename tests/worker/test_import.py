"""Import jobs: everything in one transaction, or nothing."""

import threading
import uuid
from typing import Any

import pytest

from store import annotations, blobs, jobs
from store.annotations import newest_of_pool
from store.tables import Annotation, Image
from tests import export_kinds as kinds
from tests.worker.factories import Pools
from worker.attempt import Tools
from worker.handlers import import_annotations as handler
from worker.run import run


def ordered(pools: Pools, export: kinds.Export, **spec: Any) -> tuple[uuid.UUID, uuid.UUID]:
    """A pool with the photos of an export, and a job that imports it."""
    tools = pools.tools
    pool_id = pools.pool(class_table=export.table)
    embedding = pools.job(pool_id, "embed", {}, total=len(export.ids))
    blob = blobs.put(tools.blobs, [b"photo"])
    size = {"width": kinds.WIDTH, "height": kinds.HEIGHT, "media_type": "image/png"}
    with tools.database.write() as session:
        for name in export.ids:
            place = {"pool_id": pool_id, "name": name, "split": "train", "embed_job_id": embedding}
            session.add(Image(**place, sha256=blob.sha256, size_bytes=blob.size, **size))
    with tools.blobs.incoming() as incoming:
        incoming.write(kinds.zipped(export.files))
        held = incoming.hold()
    defaults = {"files": held, "format": export.format, "dry_run": False, "replace": False, "mapping": {}}
    return pool_id, pools.job(pool_id, "import", {**defaults, "revisions": None, "left_out": [], **spec})


def count(tools: Tools, pool_id: uuid.UUID) -> int:
    with tools.database.read() as session:
        return len(newest_of_pool(session, pool_id))


def test_a_photo_annotated_meanwhile_keeps_its_label_map(
    pools: Pools, shutdown: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a photo has another revision than when the export was read, nothing at all is written, and the next
    attempt looks again.
    """
    export = kinds.voc_own_labels()
    pool_id, job_id = ordered(pools, export)
    commit = handler._annotate

    def first_somebody_else(session: Any, rows: list[Annotation], seen: Any) -> None:
        monkeypatch.setattr(handler, "_annotate", commit)
        values = {"sha256": rows[0].sha256, "size_bytes": 1, "media_type": "image/png"}
        annotations.add(session, Annotation(image_id=rows[0].image_id, revision=1, **values))
        session.flush()
        commit(session, rows, seen)

    monkeypatch.setattr(handler, "_annotate", first_somebody_else)
    run(job_id, pools.tools, shutdown)
    assert (pools.get(job_id).state, pools.get(job_id).error["type"]) == ("queued", "annotated-meanwhile")
    assert count(pools.tools, pool_id) == 0
    run(job_id, pools.tools, shutdown)
    assert pools.get(job_id).result["taken"] == 2


def test_a_worker_that_lost_its_job_writes_nothing(pools: Pools, shutdown: threading.Event) -> None:
    """An attempt whose job was taken over in the meantime adds no annotation."""
    pool_id, job_id = ordered(pools, kinds.voc_own_labels())
    put = blobs.put

    def lose(store: Any, chunks: Any) -> Any:
        with pools.tools.database.write() as session:
            job = jobs.get(session, job_id)
            assert job
            job.attempt = 7
        return put(store, chunks)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blobs, "put", lose)
        run(job_id, pools.tools, shutdown)
    assert pools.get(job_id).state == "running"
    assert count(pools.tools, pool_id) == 0
