"""Index for lists of processes in their order.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index(
        "ix_processes_list",
        "processes",
        ["organization_id", "project_id", "name", "created_at", "id"],
    )
