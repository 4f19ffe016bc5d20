"""What differs between two versions of a process."""

from typing import Annotated, Literal

from au2.wire.base import Limits, ResponseType

MODE_PATTERN = r"^[0-7]{3,4}$"
Change = Literal["added", "removed", "changed"]


class RuntimeOfVersion(ResponseType):
    """What a packaged version was built on."""

    id: str
    version: int


class FileDifference(ResponseType):
    """A file or link of the package, or a folder: its path ends with ``/``, and it has no size."""

    path: str
    change: Change
    old_size_bytes: int | None
    new_size_bytes: int | None
    mode_only: bool = False
    """Only the mode differs."""
    old_mode: Annotated[str, Limits(pattern=MODE_PATTERN)] | None = None
    """Permissions in octal, as ``0644``. None: it was not there, or is a link."""
    new_mode: Annotated[str, Limits(pattern=MODE_PATTERN)] | None = None


class DependencyDifference(ResponseType):
    """An installed dependency."""

    name: str
    change: Change
    old: str | None
    """Version; None where it is not installed."""
    new: str | None


class SchemaDifference(ResponseType):
    """A difference of the schemas that a caller may notice."""

    schema_of: Literal["arguments", "output"]
    pointer: str
    """JSON pointer into the schema."""
    message: str
    breaks: bool
    """Whether calls that were right before may fail now, or outputs be of a new kind."""


class ValueDifference(ResponseType):
    """A default environment variable, or a default resource."""

    name: str
    change: Change
    old: str | None
    """As text; ``secret NAME`` where a secret is meant."""
    new: str | None


class VersionDiff(ResponseType):
    """Answer to ``GET /api/v1/processes/{process}/versions/{old}/diff/{new}``."""

    process: str
    old: int
    new: int
    same_image: bool
    """Whether both are the very same image."""
    old_image_digest: str | None
    """None: the version has no image yet."""
    new_image_digest: str | None
    old_runtime: RuntimeOfVersion | None
    new_runtime: RuntimeOfVersion | None
    files: list[FileDifference] | None
    """None where the files of one of them are not known: it is no packaged version."""
    dependencies: list[DependencyDifference]
    schemas: list[SchemaDifference]
    environment: list[ValueDifference]
    resources: list[ValueDifference]
