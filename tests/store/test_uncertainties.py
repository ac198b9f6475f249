"""Uncertainties of photos, which a model measures once."""

import uuid

from store import jobs, pools, uncertainties
from store.database import Database
from store.settings import Settings
from store.tables import Image, Model, new_id


def test_a_score_that_is_there_stays(database: Database) -> None:
    """If two workers measure the same photo, the first score stays; the second adds only new scores."""
    first, second, model_id = new_id(), new_id(), new_id()
    with database.write() as session:
        pool_id = pools.create(session, name="p", class_table=None, encoder="resnet50").id
        job = jobs.create(session, Settings(), kind="embed", pool_id=pool_id, spec={})
        values = {"split": "train", "sha256": "0" * 64, "size_bytes": 1, "media_type": "image/png"}
        values |= {"width": 1, "height": 1, "embed_job_id": job.id}
        session.add_all(Image(id=id, pool_id=pool_id, name=id.hex, **values) for id in (first, second))
        session.add(Model(id=model_id, pool_id=pool_id, name="m", method="onnx", spec={}, receipt={}))
    with database.write() as session:
        uncertainties.add(session, model_id, {first: 0.25})
    with database.write() as session:
        uncertainties.add(session, model_id, {first: 0.5, second: 0.75})
    with database.read() as session:
        assert uncertainties.known(session, pool_id, model_id) == {first: 0.25, second: 0.75}
        assert uncertainties.known(session, uuid.uuid4(), model_id) == {}
