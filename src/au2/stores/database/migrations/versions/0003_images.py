"""Images that people send: layers that were checked, repositories, and uploads of blobs.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from au2.stores.database.tables import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("uploads") as batch:
        batch.add_column(
            sa.Column(
                "manifest_digest",
                sa.String(length=71),
                nullable=True,
                comment="of an image, once all of it has come",
            )
        )
    op.create_table(
        "layers",
        sa.Column(
            "digest", sa.String(length=71), nullable=False, comment="of the blob, as it came"
        ),
        sa.Column(
            "diff_id",
            sa.String(length=71),
            nullable=False,
            comment="of the uncompressed archive",
        ),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False, comment="uncompressed"),
        sa.Column("checked_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_layers")),
        comment="Layers that were read and judged safe: true for ever, as a blob never changes.",
    )
    op.create_index(op.f("ix_layers_diff_id"), "layers", ["diff_id"])
    op.create_table(
        "repository_blobs",
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column(
            "repository",
            sa.String(length=255),
            nullable=False,
            comment="process_<GUID> or a free name",
        ),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_repository_blobs_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "repository", "digest", name=op.f("pk_repository_blobs")
        ),
        comment="Which blobs came to a repository: a digest alone is no key to another's.",
    )
    op.create_index("ix_repository_blobs_digest", "repository_blobs", ["organization_id", "digest"])
    op.create_table(
        "repository_manifests",
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("repository", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("media_type", sa.String(length=255), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("artifact_type", sa.String(length=255), nullable=True),
        sa.Column(
            "subject_digest", sa.String(length=71), nullable=True, comment="what it refers to"
        ),
        sa.Column("annotations", sa.JSON(), nullable=False),
        sa.Column("pushed_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("pushed_by", sa.String(length=254), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_repository_manifests_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "repository", "digest", name=op.f("pk_repository_manifests")
        ),
    )
    op.create_index(
        "ix_repository_manifests_subject",
        "repository_manifests",
        ["organization_id", "repository", "subject_digest"],
    )
    op.create_table(
        "repository_tags",
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("repository", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("updated_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.String(length=254), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_repository_tags_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "repository", "name", name=op.f("pk_repository_tags")
        ),
    )
    op.create_table(
        "blob_uploads",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("repository", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_blob_uploads_organization_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_blob_uploads_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blob_uploads")),
        comment="Blobs that a registry client is sending; what has come lies in the blob store.",
    )
