"""Find images of a pool by their bytes."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_images_pool_id_sha256", "images", ["pool_id", "sha256"])
