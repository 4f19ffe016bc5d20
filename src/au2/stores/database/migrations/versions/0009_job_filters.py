"""Indexes for lists of jobs by state, type, process and person, and for names and texts of jobs.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_jobs_organization_state": ["organization_id", "state", "type", "id", "project_id"],
    "ix_jobs_submitter_state": [
        *("submitted_by", "organization_id", "state", "type", "id", "project_id")
    ],
    "ix_jobs_process_state": [
        *("process_id", "state", "type", "id", "organization_id", "project_id", "submitted_by")
    ],
}
_TEXTS = """
CREATE VIRTUAL TABLE job_texts USING fts5(
    reason_text, status_text,
    tokenize='trigram', detail='none', columnsize=0, content='jobs', content_rowid='id'
)
"""
_FILL = "INSERT INTO job_texts (job_texts) VALUES ('rebuild')"
_FILL_NAMES = """
INSERT INTO job_names (organization_id, process_id, name)
SELECT DISTINCT organization_id, process_id, name FROM jobs
"""
# Triggers, so that an older au2 on these tables keeps the indexes too. The index of texts holds no
# texts: to remove some, it wants them again.
_TRIGGERS = (
    """
CREATE TRIGGER job_names_add AFTER INSERT ON jobs BEGIN
    INSERT INTO job_names (organization_id, process_id, name)
    VALUES (NEW.organization_id, NEW.process_id, NEW.name) ON CONFLICT DO NOTHING;
END
""",
    """
CREATE TRIGGER job_names_change AFTER UPDATE OF organization_id, process_id, name ON jobs BEGIN
    INSERT INTO job_names (organization_id, process_id, name)
    VALUES (NEW.organization_id, NEW.process_id, NEW.name) ON CONFLICT DO NOTHING;
END
""",
    """
CREATE TRIGGER job_texts_add AFTER INSERT ON jobs
WHEN NEW.reason_text IS NOT NULL OR NEW.status_text IS NOT NULL
BEGIN
    INSERT INTO job_texts (rowid, reason_text, status_text)
    VALUES (NEW.id, NEW.reason_text, NEW.status_text);
END
""",
    """
CREATE TRIGGER job_texts_remove AFTER DELETE ON jobs
WHEN OLD.reason_text IS NOT NULL OR OLD.status_text IS NOT NULL
BEGIN
    INSERT INTO job_texts (job_texts, rowid, reason_text, status_text)
    VALUES ('delete', OLD.id, OLD.reason_text, OLD.status_text);
END
""",
    """
CREATE TRIGGER job_texts_change AFTER UPDATE OF reason_text, status_text ON jobs
WHEN OLD.reason_text IS NOT NEW.reason_text OR OLD.status_text IS NOT NEW.status_text
BEGIN
    INSERT INTO job_texts (job_texts, rowid, reason_text, status_text)
    SELECT 'delete', OLD.id, OLD.reason_text, OLD.status_text
    WHERE OLD.reason_text IS NOT NULL OR OLD.status_text IS NOT NULL;
    INSERT INTO job_texts (rowid, reason_text, status_text)
    SELECT NEW.id, NEW.reason_text, NEW.status_text
    WHERE NEW.reason_text IS NOT NULL OR NEW.status_text IS NOT NULL;
END
""",
)


def upgrade() -> None:
    """Apply."""
    for name, columns in _INDEXES.items():
        op.create_index(name, "jobs", columns)
    op.create_table(
        "job_names",
        sa.Column("organization_id", sa.String(36), nullable=False),
        sa.Column("process_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "process_id", "name", name="pk_job_names"),
        comment="Names of jobs by process, kept by a trigger: few, so that a search reads them all.",
    )
    op.execute(_FILL_NAMES)
    if op.get_bind().dialect.name == "sqlite":
        for statement in (_TEXTS, _FILL, *_TRIGGERS):
            op.execute(statement)
