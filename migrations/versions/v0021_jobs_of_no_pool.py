"""Let jobs be about the whole server and no pool: the doctor's."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("jobs") as jobs:
        jobs.alter_column("pool_id", existing_type=sa.Uuid(), nullable=True)
