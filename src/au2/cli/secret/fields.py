"""What is shown of a secret: everything but its value."""

from au2.console.cells import columns

LIST = columns("name", "description", "organization", "project", "has_value", "updated_at")
RECORD = columns(
    "id",
    "name",
    "description",
    "organization",
    "project",
    "has_value",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
)
