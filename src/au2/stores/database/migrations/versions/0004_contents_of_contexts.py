"""Contents and layers of dependencies are known in the context that they came to.

Which project of an organization had sent a content was not kept, so all are sent once more; so are
dependencies installed once more that code of packages took part in. Nothing that was built goes.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.drop_table("contents")
    op.create_table(
        "contents",
        sa.Column(
            "context_id",
            sa.String(length=36),
            nullable=False,
            comment="id of the project, else of the organization",
        ),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("context_id", "sha256", name=op.f("pk_contents")),
        comment="Which file contents came to a context: nobody builds with another's by hash.",
    )
    op.execute("DELETE FROM dependency_layers WHERE organization_id IS NOT NULL")
    with op.batch_alter_table("dependency_layers") as batch:
        batch.add_column(sa.Column("project_id", sa.String(length=36), nullable=True))
        batch.create_foreign_key(
            op.f("fk_dependency_layers_project_id_projects"), "projects", ["project_id"], ["id"]
        )
