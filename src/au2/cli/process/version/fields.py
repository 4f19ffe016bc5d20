"""What is shown of a version."""

from collections.abc import Callable

from au2.console.cells import Document, columns
from au2.console.documents import format_yaml


def _published(document: Document) -> str:
    if document["published_at"] is None:
        return ""
    return f"{document['published_at']} by {document['published_by']}"


def _schema(field: str) -> Callable[[Document], str | None]:
    def get(document: Document) -> str | None:
        found = document[field]
        # As it stands in the package's file, but for its comments.
        return None if found is None else format_yaml(found).rstrip("\n")

    return get


def _dependencies(document: Document) -> str | None:
    found = document["dependencies"]
    if found is None:
        return None
    installed = [f"{package['name']} {package['version']}" for package in found["packages"]]
    present = [f"{name} {version} (runtime)" for name, version in found["from_runtime"].items()]
    return "\n".join(sorted(installed + present))


def _environment(document: Document) -> str | None:
    found = document["environment"]
    return format_yaml(found).rstrip("\n") if found else None


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
    dependencies=_dependencies,
    environment=_environment,
    args_schema=_schema("args_schema"),
    out_schema=_schema("out_schema"),
)
