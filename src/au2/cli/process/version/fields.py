"""What is shown of a version."""

from au2.cli.cells import Document, columns


def _published(document: Document) -> str:
    if document["published_at"] is None:
        return ""
    return f"{document['published_at']} by {document['published_by']}"


LIST = columns("id", "description", "image_status", published=_published)
CREATED = columns("type", "id")
RECORD = columns(
    "process",
    "id",
    "type",
    "description",
    "image_status",
    "image_digest",
    published=_published,
    created_at="created_at",
    created_by="created_by",
    runtime="runtime",
    runtime_version="runtime_version",
    upload_job="upload_job",
)
