"""Say which views of a photo an evaluation averaged its predictions over."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "evaluations", sa.Column("test_time", sa.String(length=10), server_default="none", nullable=False)
    )
