"""Dependencies, secrets, and what an upload is compared by.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from au2.stores.database.tables import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "dependency_layers",
        sa.Column(
            "key",
            sa.String(length=71),
            nullable=False,
            comment="of runtime image, lock, tool and scope",
        ),
        sa.Column(
            "organization_id", sa.String(length=36), nullable=True, comment="null: for everybody"
        ),
        sa.Column("layer_digest", sa.String(length=71), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("lock", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("used_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_dependency_layers_organization_id"),
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_dependency_layers")),
    )
    op.create_table(
        "secrets",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("ciphertext", sa.Text(), nullable=True, comment="null: nothing was ingested yet"),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=254), nullable=False),
        sa.Column("updated_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.String(length=254), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_secrets_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_secrets_project_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_secrets")),
    )
    op.create_index("ix_secrets_context", "secrets", ["organization_id", "project_id", "name"])
    op.create_table(
        "held_secrets",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "ciphertext",
            sa.Text(),
            nullable=False,
            comment="the values that the attempt was given",
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_held_secrets_job_id")),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_held_secrets")),
        comment="What running attempts' logs are masked by; a row goes when its attempt ends.",
    )
    with op.batch_alter_table("versions") as batch:
        batch.add_column(
            sa.Column(
                "package_digest",
                sa.String(length=71),
                nullable=True,
                comment="of the file list, process ids aside",
            )
        )
        batch.add_column(
            sa.Column(
                "dependencies",
                sa.JSON(none_as_null=True),
                nullable=True,
                comment="what was resolved, with hashes",
            )
        )
