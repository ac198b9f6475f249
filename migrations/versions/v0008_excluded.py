"""Let photos be left out of selections, trainings and evaluations."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("images", sa.Column("excluded", sa.Boolean(), server_default=sa.false(), nullable=False))
