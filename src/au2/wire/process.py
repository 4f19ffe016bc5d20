"""Processes, their versions with differences between two, and runtimes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from au2.domain.difference import Change
from au2.wire.base import Limits, RequestType, ResponseType
from au2.wire.field import (
    Count,
    Description,
    Digest,
    GivenDescription,
    GivenName,
    Guid,
    ImageStatusName,
    JobNumber,
    JobStateName,
    LanguageName,
    Name,
    Ordinal,
    OrganizationId,
    Person,
    ProcessId,
    ProjectId,
    ReasonName,
    RuntimeId,
    Shown,
    Tags,
    VersionNumber,
    VersionTypeName,
)
from au2.wire.page import Page

_RESOURCES = Shown(
    properties={
        "cpu": {"type": "number"},
        "memory_bytes": {"type": "integer"},
        "shared_memory_bytes": {"type": "integer"},
        "timeout_seconds": {"type": "number"},
        "network": {"type": "string"},
    }
)


class ProcessCreation(RequestType):
    """Body of ``POST /api/v1/processes``."""

    name: GivenName
    """Name: printable, one line, not only spaces. It need not be unique."""
    description: GivenDescription = ""
    """Purpose of the process, in Markdown."""
    tags: Tags = []
    """Labels: printable, one line each."""


class ProcessUpdate(RequestType):
    """Body of ``PATCH /api/v1/processes/{process}``: None leaves a field unchanged."""

    name: GivenName | None = None
    """New name."""
    description: GivenDescription | None = None
    """New description."""
    tags: Tags | None = None
    """New labels, in place of all present ones."""


class LastRunView(ResponseType):
    """The last run of a process in the context that was asked for."""

    id: JobNumber
    state: JobStateName
    """State of the job."""
    reason: ReasonName | None
    """Why it ended without success; null: it did not."""
    created_at: datetime
    """Time of its submission."""
    ended_at: datetime | None
    """Time of its end; null: not ended."""


class ProcessOverview(ResponseType):
    """Versions of a process, and its last run."""

    newest_version: VersionNumber | None
    """Number of the newest version, whatever its image status; None: there is no version."""
    newest_status: ImageStatusName | None
    """Image status of the newest version."""
    published_version: VersionNumber | None
    """Number of the newest published version."""
    last_run: LastRunView | None
    """None: never run in this context, or its jobs are not visible to the account."""


class ProcessView(ResponseType):
    """A process."""

    id: Guid
    """Id of the process."""
    name: Name
    """Name of the process."""
    description: Description
    """Purpose of the process, in Markdown."""
    organization: OrganizationId
    project: ProjectId | None
    tags: Tags
    """Labels."""
    created_at: datetime
    """Time of its creation."""
    created_by: Person
    """Email address of who created it."""
    updated_at: datetime
    """Time of the last change."""
    updated_by: Person
    """Email address of who changed it last."""
    overview: ProcessOverview | None = None
    """In a list with ``overview=true`` only."""


class ProcessPage(Page):
    """A page of processes, by name."""

    items: list[ProcessView]
    """Processes of this page."""


class VersionCreation(RequestType):
    """Body of ``POST /api/v1/processes/{process}/versions``: an empty image version.

    Its contract with callers is that of a package: the documents of ``args.schema.yml``,
    ``out.schema.yml`` and ``env.yml``.
    """

    description: GivenDescription = ""
    """The news in this version."""
    args_schema: dict[str, Any] | None = None
    """JSON Schema (draft 2020-12) of the arguments; null: any object."""
    out_schema: dict[str, Any] | None = None
    """JSON Schema (draft 2020-12) of the output; null: any object."""
    environment: dict[str, str | dict[str, str]] | None = None
    """Default environment: name → text, or ``{"secret": NAME}``."""


class VersionUpdate(RequestType):
    """Body of ``PATCH /api/v1/processes/{process}/versions/{version}``."""

    description: GivenDescription
    """The news in this version."""


class VersionView(ResponseType):
    """A version."""

    process: ProcessId
    version: VersionNumber
    type: VersionTypeName
    """Origin of the image."""
    description: Description
    """The news in this version."""
    image_status: ImageStatusName
    """Progress towards the image."""
    image_digest: Digest | None
    """Digest of the manifest; null: there is no image yet."""
    published_at: datetime | None
    """Time of the publication; null: not published."""
    published_by: Person | None
    """Email address of who published it."""
    created_at: datetime
    """Time of its creation."""
    created_by: Person
    """Email address of who created it."""
    runtime: RuntimeId | None
    """GUID of the runtime of a packaged version."""
    runtime_version: Ordinal | None
    """Version of that runtime."""
    upload_job: JobNumber | None
    """Id of the job that built or imported it."""
    environment: dict[str, str | dict[str, str]] | None
    """Defaults of ``env.yml``: a text, or ``{"secret": NAME}``."""
    dependencies: dict[str, Any] | None = None
    """What was installed: packages with version, file and digest."""
    args_schema: dict[str, Any] | None
    """JSON Schema of the arguments; null: any object."""
    out_schema: dict[str, Any] | None
    """JSON Schema of the output; null: any object."""
    resources: Annotated[dict[str, Any], _RESOURCES] | None
    """Default resources of a run; what is absent is the platform's default."""

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
    """Versions of this page."""


class PackageView(ResponseType):
    """A package that a runtime's image has."""

    name: str
    """Name of the package."""
    version: str
    """Its version."""
    architecture: str
    """Its architecture; empty: any."""
    sha256: str
    """Digest of the package's file, in hexadecimal; empty where there was no file."""
    kind: str
    """``debian`` or ``python``."""


class RuntimeView(ResponseType):
    """A runtime at its newest version."""

    id: Guid
    """Id of the runtime."""
    name: Name
    """Name of the runtime."""
    language: LanguageName
    """Language of its entry points."""
    version: Ordinal
    """Its newest version."""
    image_digest: Digest
    """Digest of the manifest of its image."""
    organization: OrganizationId | None
    """GUID of the organization; null: of all contexts."""
    project: ProjectId | None
    created_at: datetime
    """Time of its creation."""
    retired_at: datetime | None
    """Time since which nothing new is built on it; null: in use."""
    packages: list[PackageView] | None = None
    """Installed packages, those of the runtime's base too; None in lists."""


class RuntimePage(Page):
    """A page of runtimes, by name."""

    items: list[RuntimeView]
    """Runtimes of this page."""


MODE_PATTERN = r"^[0-7]{3,4}$"


class RuntimeOfVersion(ResponseType):
    """Runtime version of a packaged version."""

    id: RuntimeId
    version: Ordinal
    """Version of the runtime."""


class FileDifference(ResponseType):
    """A file or link of the package, or a folder, whose path ends with ``/`` and has no size."""

    path: str
    """Path in the package."""
    change: Change
    """Kind of change."""
    old_size_bytes: Count | None
    """Size before; null: it was no file."""
    new_size_bytes: Count | None
    """Size after; null: it is no file."""
    mode_only: bool = False
    """Only the mode differs."""
    old_mode: Annotated[str, Limits(pattern=MODE_PATTERN)] | None = None
    """Permissions in octal, as ``0644``. None: it was not there, or is a link."""
    new_mode: Annotated[str, Limits(pattern=MODE_PATTERN)] | None = None
    """Permissions after, in the same form."""


class DependencyDifference(ResponseType):
    """An installed dependency."""

    name: str
    """Name of the package."""
    change: Change
    """Kind of change."""
    old: str | None
    """Version before; null: it was not installed."""
    new: str | None
    """Version after; null: it is not installed."""
    kind: Literal["language", "debian"] = "language"
    """Of the package's language, or a Debian package."""


class SchemaDifference(ResponseType):
    """A difference of the schemas with an effect on callers."""

    schema_of: Literal["arguments", "output"]
    """Which schema."""
    pointer: str
    """JSON pointer into the schema."""
    message: str
    """Sentence about the difference."""
    breaks: bool
    """Whether calls that were right before may fail now, or outputs be of a new kind."""


class ValueDifference(ResponseType):
    """A default environment variable, or a default resource."""

    name: str
    """Name of the variable or resource."""
    change: Change
    """Kind of change."""
    old: str | None
    """Value before, as text; ``secret NAME`` where a secret is meant."""
    new: str | None
    """Value after, in the same form."""


class VersionDiff(ResponseType):
    """Answer to ``GET /api/v1/processes/{process}/versions/{version}/diff/{other}``."""

    process: ProcessId
    old_version: VersionNumber
    """Number of the old version."""
    new_version: VersionNumber
    """Number of the new version."""
    same_image: bool
    """Whether both are the very same image."""
    old_image_digest: Digest | None
    """None: the version has no image yet."""
    new_image_digest: Digest | None
    """Digest of the new image; null: there is none yet."""
    old_runtime: RuntimeOfVersion | None
    """Runtime of the old version; null: an image version."""
    new_runtime: RuntimeOfVersion | None
    """Runtime of the new version; null: an image version."""
    files: list[FileDifference] | None
    """None where the files of one of them are not known: it is no packaged version."""
    dependencies: list[DependencyDifference]
    """Differences of the installed packages."""
    schemas: list[SchemaDifference]
    """Differences of the contract."""
    environment: list[ValueDifference]
    """Differences of the default environment."""
    resources: list[ValueDifference]
    """Differences of the default resources."""
