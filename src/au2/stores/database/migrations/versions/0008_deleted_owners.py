"""Organizations and projects that were deleted; their rows stay, because jobs refer to them.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

from au2.stores.database.tables import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    for table in ("organizations", "projects"):
        # Not in a batch: that makes the table anew, which other tables refer to.
        op.add_column(
            table,
            sa.Column(
                "deleted_at",
                UtcDateTime(timezone=True),
                nullable=True,
                comment="the row stays, because jobs refer to it",
            ),
        )
