"""What is shown of a process."""

from au2.console.cells import columns

LIST = columns("id", "name", "organization", "project", "tags", "updated_at")
RECORD = columns(
    "id",
    "name",
    "description",
    "organization",
    "project",
    "tags",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
)
