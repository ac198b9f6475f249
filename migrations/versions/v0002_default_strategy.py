"""Let a pool name the strategy of selections that name none."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("pools", sa.Column("default_strategy", sa.String(length=20)))
