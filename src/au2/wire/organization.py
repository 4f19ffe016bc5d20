"""Organizations, projects, members."""

from datetime import datetime
from typing import Annotated

from au2.wire.base import Limits, RequestType, ResponseType


class Creation(RequestType):
    """Body that makes an organization or a project."""

    name: Annotated[str, Limits(min_length=1, max_length=200)]


class OrganizationView(ResponseType):
    """An organization."""

    id: str
    name: str
    created_at: datetime


class ProjectView(ResponseType):
    """A project."""

    id: str
    name: str
    organization: str
    created_at: datetime


class MemberView(ResponseType):
    """A member of a context."""

    email: str
    role: str
    project: str | None
    """None: member of the whole organization."""


class MemberAddition(RequestType):
    """Body of ``POST /api/v1/members``."""

    email: Annotated[str, Limits(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
    role: str


class MemberAdded(MemberView):
    """The new member; with a first password, shown once, where the user is new too."""

    initial_password: str | None = None
