"""an embed job writes several shards."""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("shards", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_shards_job_id"), type_="unique")


def downgrade() -> None:
    """Fails, and changes nothing, while a job has several shards: images refer to each of them."""
    several = (
        "SELECT count(*) FROM (SELECT job_id FROM shards GROUP BY job_id HAVING count(*) > 1) AS several"
    )
    if count := op.get_bind().scalar(sa.text(several)):
        raise CommandError(
            f"there are {count} embed jobs with several shards, of which schema 0004 allows one: stay with"
            " this schema"
        )
    with op.batch_alter_table("shards", schema=None) as batch_op:
        batch_op.create_unique_constraint(batch_op.f("uq_shards_job_id"), ["job_id"])
