"""Processes, their versions with differences between two, and runtimes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from au2.domain.difference import Change
from au2.wire.base import Limits, RequestType, ResponseType
from au2.wire.page import Page


class ProcessCreation(RequestType):
    """Body of ``POST /api/v1/processes``."""

    name: Annotated[str, Limits(min_length=1, max_length=200)]
    description: Annotated[str, Limits(max_length=100_000)] = ""
    tags: list[str] = []


class ProcessUpdate(RequestType):
    """Body of ``PATCH /api/v1/processes/{process}``: None leaves a field unchanged."""

    name: Annotated[str, Limits(min_length=1, max_length=200)] | None = None
    description: Annotated[str, Limits(max_length=100_000)] | None = None
    tags: list[str] | None = None


class LastRunView(ResponseType):
    """The last run of a process in the context that was asked for."""

    id: int
    state: str
    reason: str | None
    created_at: datetime
    ended_at: datetime | None


class ProcessOverview(ResponseType):
    """Versions of a process, and its last run."""

    newest_version: int | None
    """Number of the newest version, whatever its image status; None: there is no version."""
    newest_status: str | None
    """Image status of the newest version."""
    published_version: int | None
    """Number of the newest published version."""
    last_run: LastRunView | None
    """None: never run in this context, or its jobs are not visible to the account."""


class ProcessView(ResponseType):
    """A process."""

    id: str
    name: str
    description: str
    organization: str
    project: str | None
    tags: list[str]
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str
    overview: ProcessOverview | None = None
    """In a list with ``overview=true`` only."""


class ProcessPage(Page):
    """A page of processes, by name."""

    items: list[ProcessView]


class VersionCreation(RequestType):
    """Body of ``POST /api/v1/processes/{process}/versions``: an empty image version.

    Its contract with callers is that of a package: the documents of ``args.schema.yml``,
    ``out.schema.yml`` and ``env.yml``.
    """

    description: Annotated[str, Limits(max_length=100_000)] = ""
    args_schema: dict[str, Any] | None = None
    out_schema: dict[str, Any] | None = None
    environment: dict[str, str | dict[str, str]] | None = None
    """Name → text, or ``{"secret": NAME}``."""


class VersionUpdate(RequestType):
    """Body of ``PATCH /api/v1/processes/{process}/versions/{version}``."""

    description: Annotated[str, Limits(max_length=100_000)]
    """The news in this version."""


class VersionView(ResponseType):
    """A version."""

    process: str
    version: int
    type: str
    description: str
    image_status: str
    image_digest: str | None
    published_at: datetime | None
    published_by: str | None
    created_at: datetime
    created_by: str
    runtime: str | None
    runtime_version: int | None
    upload_job: int | None
    environment: dict[str, str | dict[str, str]] | None
    """Defaults of ``env.yml``: a text, or ``{"secret": NAME}``."""
    dependencies: dict[str, Any] | None = None
    """What was installed: packages with version, file and digest."""
    args_schema: dict[str, Any] | None
    out_schema: dict[str, Any] | None
    resources: dict[str, Any] | None

    @property
    def is_published(self) -> bool:
        """Whether the version is published."""
        return self.published_at is not None

    @property
    def is_in_the_works(self) -> bool:
        """Whether the version's image is being uploaded or built."""
        return self.image_status in {"UPLOADING", "BUILDING"}


class VersionPage(Page):
    """A page of versions, oldest first."""

    items: list[VersionView]


class PackageView(ResponseType):
    """A package that a runtime's image has."""

    name: str
    version: str
    architecture: str
    sha256: str
    """Digest of the package's file, in hexadecimal; empty where there was no file."""
    kind: str
    """``debian`` or ``python``."""


class RuntimeView(ResponseType):
    """A runtime at its newest version."""

    id: str
    name: str
    language: str
    version: int
    image_digest: str
    organization: str | None
    project: str | None
    created_at: datetime
    retired_at: datetime | None
    packages: list[PackageView] | None = None
    """Installed packages, those of the runtime's base too; None in lists."""


class RuntimePage(Page):
    """A page of runtimes, by name."""

    items: list[RuntimeView]


MODE_PATTERN = r"^[0-7]{3,4}$"


class RuntimeOfVersion(ResponseType):
    """Runtime version of a packaged version."""

    id: str
    version: int


class FileDifference(ResponseType):
    """A file or link of the package, or a folder, whose path ends with ``/`` and has no size."""

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
    kind: Literal["language", "debian"] = "language"
    """Of the package's language, or a Debian package."""


class SchemaDifference(ResponseType):
    """A difference of the schemas with an effect on callers."""

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
    """Answer to ``GET /api/v1/processes/{process}/versions/{version}/diff/{other}``."""

    process: str
    old_version: int
    new_version: int
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
