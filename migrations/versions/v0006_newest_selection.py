"""an index that finds a pool's newest selection."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_selections_pool_id_id"), "selections", ["pool_id", "id"])
    op.drop_index(op.f("ix_selections_pool_id"), "selections")


def downgrade() -> None:
    op.create_index(op.f("ix_selections_pool_id"), "selections", ["pool_id"])
    op.drop_index(op.f("ix_selections_pool_id_id"), "selections")
