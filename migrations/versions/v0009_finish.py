"""Let trainings be finished early."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    asked: sa.Column[bool] = sa.Column(
        "finish_requested", sa.Boolean(), server_default=sa.false(), nullable=False
    )
    op.add_column("jobs", asked)
