"""Keep with a pool what the labels of imports mean."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("pools", sa.Column("label_mapping", sa.JSON(none_as_null=True)))
