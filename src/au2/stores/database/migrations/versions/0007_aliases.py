"""Repositories know blobs and manifests by SHA-512 too, and manifests whose layers are absent.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ALIAS_COMMENT = "alias that it came by, verified"


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("repository_blobs") as batch:
        batch.add_column(
            sa.Column("sha512", sa.String(length=135), nullable=True, comment=_ALIAS_COMMENT)
        )
    op.create_index("ix_repository_blobs_sha512", "repository_blobs", ["organization_id", "sha512"])
    with op.batch_alter_table("repository_manifests") as batch:
        batch.add_column(
            sa.Column("sha512", sa.String(length=135), nullable=True, comment=_ALIAS_COMMENT)
        )
        batch.add_column(
            sa.Column(
                "absent",
                sa.JSON(none_as_null=True),
                nullable=True,
                comment="non-distributable layers that were lacking",
            )
        )
        batch.alter_column(
            "subject_digest",
            type_=sa.String(length=135),
            existing_type=sa.String(length=71),
            existing_nullable=True,
            comment="what it refers to, by digest or alias",
            existing_comment="what it refers to",
        )
    op.create_index(
        "ix_repository_manifests_sha512",
        "repository_manifests",
        ["organization_id", "repository", "sha512"],
    )
