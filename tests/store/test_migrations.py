"""Upgrading a database that is in use."""

import uuid
from typing import Any

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import Engine, NullPool, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

import migrations
from store import evaluations, label_maps, models
from store.database import Database
from store.tables import LabelMap, Shard

POOL, JOB, MODEL, EVALUATION, LABEL_MAP = (uuid.UUID(int=n) for n in range(1, 6))
METRICS = '{"mean_iou": 0.5, "per_image": [{"name": "a", "mean_iou": 0.5}]}'
ROWS = {
    "pools": {"id": POOL, "name": "p", "encoder": "resnet50"},
    "jobs": {
        **{"id": JOB, "pool_id": POOL, "kind": "train", "queue": "gpu", "spec": "{}", "state": "queued"},
        **{"attempt": 0, "max_attempts": 5, "deadline_s": 1.0, "cancel_requested": False, "rings": 0},
        **{"ring_at": "2026-01-01 00:00:00", "done": 0, "total": 0},
    },
    "models": {
        **{"id": MODEL, "pool_id": POOL, "job_id": JOB, "method": "hybrid", "spec": "{}"},
        "receipt": "{}",
    },
    "evaluations": {
        **{"id": EVALUATION, "model_id": MODEL, "job_id": JOB, "split": "test", "metrics": METRICS}
    },
    "label_maps": {
        **{"id": LABEL_MAP, "pool_id": POOL, "name": "a.png", "sha256": "0" * 64, "size_bytes": 1},
        **{"media_type": "image/png", "width": 1, "height": 1},
    },
}
"""One row of each table that the second migration changes, as the first schema has them."""


@pytest.fixture
def first_schema(database_url: str) -> str:
    """A database of the first schema with rows in it."""
    command.upgrade(migrations.config(database_url), "0001")
    engine = engine_of(database_url)
    with engine.begin() as connection:
        for table, row in ROWS.items():
            values = {name: _plain(value, database_url) for name, value in row.items()}
            values["created_at"] = "2026-01-01 00:00:00"
            columns, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
            connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({marks})"), values)
    return database_url


def engine_of(url: str) -> Engine:
    return create_engine(url, poolclass=NullPool)


def column_names(url: str, table: str) -> list[str]:
    return [column["name"] for column in inspect(engine_of(url)).get_columns(table)]


def _plain(value: Any, url: str) -> Any:
    if isinstance(value, uuid.UUID):
        return value.hex if url.startswith("sqlite") else value
    return value


def test_rows_of_the_first_schema_live_on(first_schema: str) -> None:
    """Label maps get the source "upload", evaluations keep their metrics, models their jobs."""
    migrations.upgrade(first_schema)
    database = Database(first_schema)
    database.require_schema()
    with database.read() as session:
        label_map = label_maps.by_name(session, POOL, "upload", "a.png")
        evaluation = evaluations.get(session, EVALUATION)
        model = models.get(session, MODEL)
        scored = evaluations.images(session, EVALUATION, order="worst", after=None, limit=10)
    assert label_map
    assert label_map.id == LABEL_MAP
    assert evaluation
    assert (evaluation.metrics["mean_iou"], evaluation.direction) == (0.5, "photos_to_labels")
    assert (evaluation.scorer_id, scored) == (None, [])
    assert model
    assert (model.job_id, model.name) == (JOB, None)
    database.close()


def test_new_rows_have_to_say_what_they_are(first_schema: str) -> None:
    """What filled the old rows fills no new one: a label map without a source is refused."""
    migrations.upgrade(first_schema)
    columns = {
        column["name"]: column for column in inspect(engine_of(first_schema)).get_columns("label_maps")
    }
    assert columns["source"]["default"] is None
    assert not columns["source"]["nullable"]


def test_two_sources_may_use_one_name(first_schema: str) -> None:
    """Names are unique in their source, so that two data sets can both begin with 0000.png."""
    migrations.upgrade(first_schema)
    database = Database(first_schema)
    with database.write() as session:
        values = {"name": "a.png", "sha256": "1" * 64, "size_bytes": 1, "media_type": "image/png"}
        session.add(LabelMap(pool_id=POOL, source="gta", width=1, height=1, **values))
    with database.read() as session:
        assert label_maps.sources(session, POOL) == {"gta": 1, "upload": 1}
    database.close()


def test_a_migration_that_fails_changes_nothing(first_schema: str) -> None:
    """Whatever stops it, half of a migration is never there, and a later try does all of it."""
    engine = engine_of(first_schema)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE evaluation_images (id INTEGER)"))
    with pytest.raises(DBAPIError):
        migrations.upgrade(first_schema)
    names = column_names(first_schema, "label_maps")
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "0001"
        connection.execute(text("DROP TABLE evaluation_images"))
    assert "source" not in names
    migrations.upgrade(first_schema)


def test_the_first_schema_can_be_had_back(first_schema: str) -> None:
    """A downgrade leaves the tables of the first schema with their rows."""
    migrations.upgrade(first_schema)
    command.downgrade(migrations.config(first_schema), "0001")
    engine = engine_of(first_schema)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM label_maps")) == 1
    assert "estimate" not in column_names(first_schema, "jobs")


def test_evaluations_of_generated_photos_keep_the_schema(first_schema: str) -> None:
    """They would turn into scores of label maps, so a downgrade is refused and leaves everything there."""
    migrations.upgrade(first_schema)
    engine = engine_of(first_schema)
    with engine.begin() as connection:
        connection.execute(text("UPDATE evaluations SET direction = 'labels_to_photos'"))
    with pytest.raises(CommandError, match="there are 1 evaluations of labels → photos"):
        command.downgrade(migrations.config(first_schema), "0001")
    database = Database(first_schema)
    database.require_schema()
    database.close()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT direction FROM evaluations")) == "labels_to_photos"
    assert "evaluation_images" in inspect(engine).get_table_names()


def test_jobs_with_several_shards_keep_the_schema(first_schema: str) -> None:
    """Images refer to each shard, so a downgrade that allows a job one of them is refused."""
    migrations.upgrade(first_schema)
    database = Database(first_schema)
    with database.write() as session:
        for _ in range(2):
            session.add(Shard(pool_id=POOL, job_id=JOB, sha256="0" * 64, image_ids=[]))
    with pytest.raises(CommandError, match="there are 1 embed jobs with several shards"):
        command.downgrade(migrations.config(first_schema), "0004")
    database.require_schema()
    database.close()
