"""Create the first schema."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def row() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )


def upgrade() -> None:
    op.create_table(
        "pools",
        sa.Column("name", sa.String(length=200), unique=True, nullable=False),
        sa.Column("class_table", sa.JSON(none_as_null=True)),
        sa.Column("encoder", sa.String(length=100), nullable=False),
        sa.Column("weights_digest", sa.String(length=64)),
        *row(),
    )
    op.create_table(
        "jobs",
        sa.Column("pool_id", sa.Uuid(), sa.ForeignKey("pools.id"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("queue", sa.String(length=10), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("estimate", sa.JSON(none_as_null=True)),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=200)),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True)),
        sa.Column("deadline_s", sa.Double(), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True)),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("ring_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rings", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("result", sa.JSON(none_as_null=True)),
        sa.Column("error", sa.JSON(none_as_null=True)),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("idempotency_key", sa.String(length=255), unique=True),
        sa.Column("request_digest", sa.String(length=64)),
        *row(),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_jobs_state")
        ),
    )
    op.create_index(op.f("ix_jobs_pool_id_id"), "jobs", ["pool_id", "id"])
    op.create_index(op.f("ix_jobs_state_lease_expires_at"), "jobs", ["state", "lease_expires_at"])
    op.create_index(op.f("ix_jobs_state_ring_at"), "jobs", ["state", "ring_at"])

    op.create_table(
        "label_maps",
        sa.Column("pool_id", sa.Uuid(), sa.ForeignKey("pools.id"), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=50), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        *row(),
        sa.UniqueConstraint("pool_id", "source", "name", name=op.f("uq_label_maps_pool_id_source_name")),
    )
    op.create_table(
        "job_metrics",
        sa.Column("job_id", sa.Uuid(), sa.ForeignKey("jobs.id"), primary_key=True),
        sa.Column("step", sa.Integer(), primary_key=True),
        sa.Column("values", sa.JSON(), nullable=False),
    )
    op.create_table(
        "models",
        sa.Column("pool_id", sa.Uuid(), sa.ForeignKey("pools.id"), nullable=False),
        sa.Column("job_id", sa.Uuid(), sa.ForeignKey("jobs.id"), unique=True),
        sa.Column("name", sa.String(length=255)),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("receipt", sa.JSON(), nullable=False),
        *row(),
        sa.UniqueConstraint("pool_id", "name", name=op.f("uq_models_pool_id_name")),
    )
    op.create_index(op.f("ix_models_pool_id"), "models", ["pool_id"])

    op.create_table(
        "selections",
        sa.Column("pool_id", sa.Uuid(), sa.ForeignKey("pools.id"), nullable=False),
        sa.Column("job_id", sa.Uuid(), sa.ForeignKey("jobs.id"), unique=True, nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        *row(),
    )
    op.create_index(op.f("ix_selections_pool_id_id"), "selections", ["pool_id", "id"])

    op.create_table(
        "shards",
        sa.Column("pool_id", sa.Uuid(), sa.ForeignKey("pools.id"), nullable=False),
        sa.Column("job_id", sa.Uuid(), sa.ForeignKey("jobs.id"), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("image_ids", sa.JSON(), nullable=False),
        *row(),
    )
    op.create_index(op.f("ix_shards_pool_id"), "shards", ["pool_id"])

    op.create_table(
        "evaluations",
        sa.Column("model_id", sa.Uuid(), sa.ForeignKey("models.id"), nullable=False),
        sa.Column("job_id", sa.Uuid(), sa.ForeignKey("jobs.id"), unique=True, nullable=False),
        sa.Column("split", sa.String(length=5), nullable=False),
        sa.Column("direction", sa.String(length=20), nullable=False),
        sa.Column("scorer_id", sa.Uuid(), sa.ForeignKey("models.id")),
        sa.Column("metrics", sa.JSON(), nullable=False),
        *row(),
    )
    op.create_index(op.f("ix_evaluations_model_id"), "evaluations", ["model_id"])

    op.create_table(
        "explanations",
        sa.Column("selection_id", sa.Uuid(), sa.ForeignKey("selections.id"), unique=True, nullable=False),
        sa.Column("job_id", sa.Uuid(), sa.ForeignKey("jobs.id"), unique=True, nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        *row(),
    )
    op.create_table(
        "images",
        sa.Column("pool_id", sa.Uuid(), sa.ForeignKey("pools.id"), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("split", sa.String(length=5), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=50), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("embed_job_id", sa.Uuid(), sa.ForeignKey("jobs.id"), nullable=False),
        sa.Column("shard_id", sa.Uuid(), sa.ForeignKey("shards.id")),
        sa.Column("embed_error", sa.String()),
        *row(),
        sa.CheckConstraint("split IN ('train', 'test')", name=op.f("ck_images_split")),
        sa.UniqueConstraint("pool_id", "name", name=op.f("uq_images_pool_id_name")),
    )
    op.create_index(op.f("ix_images_embed_job_id"), "images", ["embed_job_id"])
    op.create_index(op.f("ix_images_pool_id_id"), "images", ["pool_id", "id"])
    op.create_index(
        "ix_images_waiting",
        "images",
        ["pool_id", "split"],
        sqlite_where=sa.text("shard_id IS NULL AND embed_error IS NULL"),
        postgresql_where=sa.text("shard_id IS NULL AND embed_error IS NULL"),
    )

    op.create_table(
        "model_files",
        sa.Column("model_id", sa.Uuid(), sa.ForeignKey("models.id"), primary_key=True),
        sa.Column("name", sa.String(length=100), primary_key=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "annotations",
        sa.Column("image_id", sa.Uuid(), sa.ForeignKey("images.id"), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=50), nullable=False),
        *row(),
        sa.UniqueConstraint("image_id", "revision", name=op.f("uq_annotations_image_id_revision")),
    )
    op.create_table(
        "assignments",
        sa.Column("pool_id", sa.Uuid(), sa.ForeignKey("pools.id"), nullable=False),
        sa.Column("selection_id", sa.Uuid(), sa.ForeignKey("selections.id"), nullable=False),
        sa.Column("image_id", sa.Uuid(), sa.ForeignKey("images.id"), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("annotator", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        *row(),
        sa.CheckConstraint(
            "state IN ('open', 'annotated', 'returned', 'expired')", name=op.f("ck_assignments_state")
        ),
    )
    op.create_index(op.f("ix_assignments_pool_id_id"), "assignments", ["pool_id", "id"])
    op.create_index(
        "uq_assignments_open_image",
        "assignments",
        ["image_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )

    op.create_table(
        "evaluation_images",
        sa.Column("evaluation_id", sa.Uuid(), sa.ForeignKey("evaluations.id"), primary_key=True),
        sa.Column("image_id", sa.Uuid(), sa.ForeignKey("images.id"), primary_key=True),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "uncertainties",
        sa.Column("model_id", sa.Uuid(), sa.ForeignKey("models.id"), primary_key=True),
        sa.Column("image_id", sa.Uuid(), sa.ForeignKey("images.id"), primary_key=True),
        sa.Column("score", sa.Double(), nullable=False),
    )
