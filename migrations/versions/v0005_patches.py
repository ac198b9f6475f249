"""Keep the features of the patches of photos beside their embeddings."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("shards", sa.Column("patches_sha256", sa.String(length=64)))
