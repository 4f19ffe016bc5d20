"""Indexes for lists of jobs: of one person, of a whole organization, and of one process.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index(
        "ix_jobs_submitter", "jobs", ["organization_id", "project_id", "submitted_by", "id"]
    )
    op.create_index("ix_jobs_organization", "jobs", ["organization_id", "id"])
    op.create_index(
        "ix_jobs_process_context", "jobs", ["process_id", "organization_id", "project_id", "id"]
    )
