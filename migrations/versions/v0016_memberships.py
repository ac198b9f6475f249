"""Add memberships: who has which role in a pool."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "memberships",
        sa.Column("pool_id", sa.Uuid(), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.CheckConstraint("role IN ('viewer', 'annotator', 'curator')", name=op.f("ck_memberships_role")),
        sa.ForeignKeyConstraint(["pool_id"], ["pools.id"], name=op.f("fk_memberships_pool_id_pools")),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["principals.id"], name=op.f("fk_memberships_principal_id_principals")
        ),
        sa.PrimaryKeyConstraint("pool_id", "principal_id", name=op.f("pk_memberships")),
    )
    op.create_index(op.f("ix_memberships_principal_id"), "memberships", ["principal_id"])
