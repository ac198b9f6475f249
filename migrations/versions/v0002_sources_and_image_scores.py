"""sources of label maps, scores of single images, imported models, estimates."""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A server default fills the rows there are, and goes: new rows say what they are.
    with op.batch_alter_table("label_maps", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("source", sa.String(length=100), nullable=False, server_default="upload")
        )
        batch_op.drop_constraint(batch_op.f("uq_label_maps_pool_id_name"), type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_label_maps_pool_id_source_name"), ["pool_id", "source", "name"]
        )
    with op.batch_alter_table("label_maps", schema=None) as batch_op:
        batch_op.alter_column("source", server_default=None)

    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("estimate", sa.JSON(none_as_null=True), nullable=True))

    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.alter_column("job_id", existing_type=sa.Uuid(), nullable=True)
        batch_op.add_column(sa.Column("name", sa.String(length=255), nullable=True))
        batch_op.create_unique_constraint(batch_op.f("uq_models_pool_id_name"), ["pool_id", "name"])

    with op.batch_alter_table("evaluations", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("direction", sa.String(length=20), nullable=False, server_default="photos_to_labels")
        )
        batch_op.add_column(sa.Column("scorer_id", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_evaluations_scorer_id_models"), "models", ["scorer_id"], ["id"]
        )
    with op.batch_alter_table("evaluations", schema=None) as batch_op:
        batch_op.alter_column("direction", server_default=None)

    op.create_table(
        "evaluation_images",
        sa.Column("evaluation_id", sa.Uuid(), nullable=False),
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["evaluations.id"], name=op.f("fk_evaluation_images_evaluation_id_evaluations")
        ),
        sa.ForeignKeyConstraint(
            ["image_id"], ["images.id"], name=op.f("fk_evaluation_images_image_id_images")
        ),
        sa.PrimaryKeyConstraint("evaluation_id", "image_id", name=op.f("pk_evaluation_images")),
    )


def downgrade() -> None:
    """Fails, and changes nothing, while there are evaluations of labels → photos, which would become ones of
    photos → labels, imported models, or one name in two sources."""
    backward = "SELECT count(*) FROM evaluations WHERE direction = 'labels_to_photos'"
    if count := op.get_bind().scalar(sa.text(backward)):
        raise CommandError(
            f"there are {count} evaluations of labels → photos, which schema 0001 cannot tell from others:"
            " delete them first, or stay with this schema"
        )

    op.drop_table("evaluation_images")
    with op.batch_alter_table("evaluations", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_evaluations_scorer_id_models"), type_="foreignkey")
        batch_op.drop_column("scorer_id")
        batch_op.drop_column("direction")

    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_models_pool_id_name"), type_="unique")
        batch_op.drop_column("name")
        batch_op.alter_column("job_id", existing_type=sa.Uuid(), nullable=False)

    op.drop_column("jobs", "estimate")

    with op.batch_alter_table("label_maps", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_label_maps_pool_id_source_name"), type_="unique")
        batch_op.drop_column("source")
        batch_op.create_unique_constraint(batch_op.f("uq_label_maps_pool_id_name"), ["pool_id", "name"])
