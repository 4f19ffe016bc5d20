"""Organizations, projects, members."""

from datetime import datetime

from pydantic import Field

from au2.wire.base import Model, View


class Creation(Model):
    """Body that makes an organization or a project."""

    name: str = Field(min_length=1, max_length=200)


class OrganizationView(View):
    """An organization."""

    id: str
    name: str
    created_at: datetime


class ProjectView(View):
    """A project."""

    id: str
    name: str
    organization: str
    created_at: datetime


class MemberView(View):
    """A member of a context."""

    email: str
    role: str
    project: str | None
    """None: member of the whole organization."""


class MemberAddition(Model):
    """Body of ``POST /api/v1/members``."""

    email: str = Field(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")
    role: str


class MemberAdded(MemberView):
    """The new member; with a first password, shown once, where the user is new too."""

    initial_password: str | None = None
