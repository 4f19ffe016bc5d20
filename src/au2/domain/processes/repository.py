"""Repositories of the registry, and their names.

``org_<ORG>/process_<PROCESS>`` holds the versions of a process, tagged with their numbers;
``org_<ORG>/<any other name>`` holds images of the organization's own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from au2.domain.accounts.context import Context
from au2.domain.errors import InvalidRequest
from au2.domain.ids import is_guid

_ORGANIZATION = "org_"
_PROCESS = "process_"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
REPOSITORY_NAME = re.compile(rf"{_PART}(?:/{_PART})*")
"""Grammar of names (OCI distribution specification, "Pulling manifests")."""
MOST_CHARACTERS = 255
"""Longest whole name, as in other registries."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository of an organization."""

    organization_id: str
    name: str
    """Name without the organization."""

    @property
    def owner(self) -> Context:
        """The organization as a context."""
        return Context(self.organization_id)

    @property
    def process_id(self) -> str | None:
        """Id of the process whose versions the repository has; None: the organization's own."""
        found = self.name.removeprefix(_PROCESS)
        return found if found != self.name and is_guid(found) else None

    def __str__(self) -> str:
        """Return the clients' name of the repository; inverse of :func:`parse_repository`."""
        return f"{_ORGANIZATION}{self.organization_id}/{self.name}"


def process_repository(organization_id: str, process_id: str) -> Repository:
    """Return the repository of a process's versions."""
    return Repository(organization_id, f"{_PROCESS}{process_id}")


def parse_repository(text: str) -> Repository:
    """Return the repository of a name.

    Raises:
        InvalidRequest: the name is malformed.
    """
    organization, slash, name = text.partition("/")
    guid = organization.removeprefix(_ORGANIZATION)
    is_ours = slash and guid != organization and is_guid(guid) and guid == guid.lower()
    if len(text) > MOST_CHARACTERS or not is_ours or not REPOSITORY_NAME.fullmatch(name):
        shown = repr(text if len(text) <= 100 else text[:100] + "…")
        raise InvalidRequest(
            f"{shown} is no repository here.",
            hint="Names are org_<ORGANIZATION>/process_<PROCESS> and org_<ORGANIZATION>/<NAME>.",
        )
    if name.startswith(_PROCESS) and not is_guid(name.removeprefix(_PROCESS)):
        raise InvalidRequest(
            f"'{name}' begins like a process's repository but names no process. Use the process's "
            "GUID: 'au2 process list' shows it."
        )
    return Repository(guid, name)


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob of a repository."""

    digest: str
    """SHA-256 digest, by which the content store has it."""
    size_bytes: int
    sha512: str | None = None
    """Alias that the repository got the blob by; None: none."""


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest or index, as pushed by a registry client."""

    digest: str
    """SHA-256 digest."""
    sha512: str | None
    """Alias that the repository got the manifest by; None: none."""
    media_type: str
    size_bytes: int
    artifact_type: str | None
    subject_digest: str | None
    """Digest or alias, as stated."""
    absent: tuple[str, ...]
    """Digests or aliases, as stated, of non-distributable layers that the repository lacked."""
    annotations: Mapping[str, str]
    pushed_at: datetime
    pushed_by: str
    """Email address."""
