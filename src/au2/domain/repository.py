"""Repositories of the registry: what an image's name says of where it belongs.

``org_<ORG>/process_<PROCESS>`` holds the versions of a process, tagged with their numbers;
``org_<ORG>/<any other name>`` holds images of the organization's own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from au2.domain.errors import InvalidRequest
from au2.domain.ids import is_guid

_ORGANIZATION = "org_"
_PROCESS = "process_"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
REPOSITORY_NAME = re.compile(rf"{_PART}(?:/{_PART})*")
"""Of any registry (OCI distribution specification, "Pulling manifests")."""
MOST_CHARACTERS = 255
"""Of a whole name, as other registries have it."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository of an organization."""

    organization_id: str
    name: str
    """Without the organization."""

    @property
    def process_id(self) -> str | None:
        """The process whose versions it holds; None: the organization's own images."""
        found = self.name.removeprefix(_PROCESS)
        return found if found != self.name and is_guid(found) else None

    def __str__(self) -> str:
        """As clients write it; inverse of :func:`parse_repository`."""
        return f"{_ORGANIZATION}{self.organization_id}/{self.name}"


def process_repository(organization_id: str, process_id: str) -> Repository:
    """Return the repository that holds a process's versions."""
    return Repository(organization_id, f"{_PROCESS}{process_id}")


def parse_repository(text: str) -> Repository:
    """Return the repository of that name.

    Raises:
        InvalidRequest: it is not of that form.
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
class StoredManifest:
    """A manifest or index that a registry client pushed."""

    digest: str
    media_type: str
    size_bytes: int
    artifact_type: str | None
    subject_digest: str | None
    annotations: Mapping[str, str]
    pushed_at: datetime
    pushed_by: str
    """Email address."""
