"""Record who did what, and from where, also outside of pools."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None
floor = "0017"


def upgrade() -> None:
    with op.batch_alter_table("events") as events:
        events.add_column(sa.Column("address", sa.String(length=45), nullable=True))
        events.alter_column("pool_id", existing_type=sa.Uuid(), nullable=True)
    op.create_index(op.f("ix_events_principal_id_id"), "events", ["principal_id", "id"])
    op.add_column("jobs", sa.Column("principal_id", sa.Uuid(), nullable=True))
