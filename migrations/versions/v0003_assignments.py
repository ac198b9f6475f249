"""assignments, uncertainties of models, an index of the images that wait for their embeddings."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WAITING = sa.text("shard_id IS NULL AND embed_error IS NULL")
OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    op.create_index(
        "ix_images_waiting",
        "images",
        ["pool_id", "split"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
    op.create_table(
        "assignments",
        sa.Column("pool_id", sa.Uuid(), nullable=False),
        sa.Column("selection_id", sa.Uuid(), nullable=False),
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("annotator", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'annotated', 'returned', 'expired')", name=op.f("ck_assignments_state")
        ),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_assignments_image_id_images")),
        sa.ForeignKeyConstraint(["pool_id"], ["pools.id"], name=op.f("fk_assignments_pool_id_pools")),
        sa.ForeignKeyConstraint(
            ["selection_id"], ["selections.id"], name=op.f("fk_assignments_selection_id_selections")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignments")),
    )
    op.create_index(op.f("ix_assignments_pool_id_id"), "assignments", ["pool_id", "id"])
    op.create_index(
        "uq_assignments_open_image",
        "assignments",
        ["image_id"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_table(
        "uncertainties",
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_uncertainties_image_id_images")),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_uncertainties_model_id_models")),
        sa.PrimaryKeyConstraint("model_id", "image_id", name=op.f("pk_uncertainties")),
    )


def downgrade() -> None:
    op.drop_table("uncertainties")
    op.drop_table("assignments")
    op.drop_index("ix_images_waiting", "images")
