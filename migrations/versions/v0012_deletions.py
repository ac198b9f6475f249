"""Let what is in pools be deleted, for a time and for good."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("images", "jobs", "label_maps", "models", "pools", "selections"):
        op.add_column(table, sa.Column("gone_at", sa.DateTime(timezone=True)))
        op.create_index(op.f(f"ix_{table}_gone_at"), table, ["gone_at"])
    op.create_table(
        "leaving",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_leaving")),
    )
