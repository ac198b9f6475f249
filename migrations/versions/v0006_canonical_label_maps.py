"""Keep label maps as they were sent beside the ones that count, and the number of pixels of each class."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("annotations", "label_maps"):
        op.add_column(table, sa.Column("original_sha256", sa.String(length=64)))
        op.add_column(table, sa.Column("original_size_bytes", sa.BigInteger()))
        op.add_column(table, sa.Column("original_media_type", sa.String(length=50)))
        op.add_column(table, sa.Column("class_pixels", sa.JSON(none_as_null=True)))
        op.add_column(table, sa.Column("unlabelled_pixels", sa.BigInteger()))
