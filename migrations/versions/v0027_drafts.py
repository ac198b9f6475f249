"""Add drafts, and how long a person worked on an annotation."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None
floor = "0021"


def upgrade() -> None:
    op.add_column("annotations", sa.Column("active_seconds", sa.Double(), nullable=True))
    op.create_table(
        "drafts",
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("active_seconds", sa.Double(), nullable=False),
        sa.Column("class_pixels", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=50), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_drafts_image_id_images")),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["principals.id"], name=op.f("fk_drafts_principal_id_principals")
        ),
        sa.PrimaryKeyConstraint("image_id", "principal_id", name=op.f("pk_drafts")),
    )
    op.create_index(op.f("ix_drafts_principal_id"), "drafts", ["principal_id"])
    op.create_index(op.f("ix_drafts_updated_at"), "drafts", ["updated_at"])
