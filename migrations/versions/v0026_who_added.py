"""Remember who added photos and label maps, for the quotas of principals."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0021"
branch_labels = None
depends_on = None
floor = "0021"


def upgrade() -> None:
    for table in ("images", "label_maps", "annotations"):
        op.add_column(table, sa.Column("added_by", sa.Uuid(), nullable=True))
        op.create_index(op.f(f"ix_{table}_added_by"), table, ["added_by"])
