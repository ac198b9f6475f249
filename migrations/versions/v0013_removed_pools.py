"""Remember which pools were removed for good."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    removed: sa.Column[bool] = sa.Column("removed", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("pools", removed)
