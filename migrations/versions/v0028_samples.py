"""Keep the samples and the log of a training, and which classes an evaluation has confused."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None
floor = "0021"


def upgrade() -> None:
    op.create_table(
        "job_samples",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_samples_job_id_jobs")),
        sa.PrimaryKeyConstraint("job_id", "step", name=op.f("pk_job_samples")),
    )
    op.create_table(
        "job_logs",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("tail", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_logs_job_id_jobs")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job_logs")),
    )
    op.add_column("evaluations", sa.Column("confusion", sa.JSON(none_as_null=True), nullable=True))
