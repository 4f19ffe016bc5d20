"""A runtime as the operator's commands show it."""

from au2.domain.clock import format_time
from au2.domain.runtime import Runtime


def runtime_document(one: Runtime) -> dict[str, object]:
    """Return the fields that the API shows too."""
    return {
        "id": one.id,
        "name": one.name,
        "language": one.language.value,
        "version": one.version,
        "image_digest": one.image_digest,
        "organization": None if one.context is None else one.context.organization_id,
        "project": None if one.context is None else one.context.project_id,
        "created_at": format_time(one.created_at),
        "retired_at": None if one.retired_at is None else format_time(one.retired_at),
    }
