"""Accounts: login, tokens, organizations, projects and members."""

from datetime import datetime
from typing import Annotated, Literal

from au2.domain.accounts.password import PASSWORD_LEAST_CHARACTERS, PASSWORD_MOST_CHARACTERS
from au2.wire.base import Limits, RequestType, ResponseType
from au2.wire.field import (
    Email,
    GivenName,
    Guid,
    Name,
    OrganizationId,
    ProjectId,
    RoleName,
    Shown,
)
from au2.wire.page import Page


class Login(RequestType):
    """Body of ``POST /api/v1/login``."""

    hidden_ = frozenset({"password"})

    email: Annotated[str, Limits(max_length=254)]
    """Email address, in any letter case."""
    password: Annotated[str, Limits(max_length=PASSWORD_MOST_CHARACTERS)]
    """Password of the account."""


class PasswordChange(RequestType):
    """Body of ``PUT /api/v1/account/password``."""

    hidden_ = frozenset({"current_password", "new_password"})

    current_password: Annotated[str, Limits(max_length=PASSWORD_MOST_CHARACTERS)]
    """Password until now."""
    new_password: Annotated[
        str, Limits(min_length=PASSWORD_LEAST_CHARACTERS, max_length=PASSWORD_MOST_CHARACTERS)
    ]
    """Password from now on."""
    end_tokens: bool = False
    """End all managed tokens too."""


class TokenView(ResponseType):
    """A token, without its secret."""

    id: Guid
    """Id of the token."""
    kind: Literal["login", "managed"]
    """``login``: of a login; ``managed``: made by name."""
    name: Annotated[str, Shown(maxLength=200)]
    """Name given at its creation; ``login`` of a login."""
    created_at: datetime
    """Time of its creation."""
    expires_at: datetime | None
    """Time of its end; null: without end."""
    last_used_at: datetime | None
    """Time of its last use; null: not used yet."""


class NewTokenView(TokenView):
    """A new token with its secret, which only this response holds."""

    hidden_ = frozenset({"token"})

    token: Annotated[str, Shown(minLength=1, maxLength=200)]
    """The secret, for the header ``Authorization: Bearer``."""


class TokenPage(Page):
    """A page of managed tokens, oldest first."""

    items: list[TokenView]
    """Tokens of this page."""


class TokenCreation(RequestType):
    """Body of ``POST /api/v1/tokens``: a managed token."""

    name: GivenName
    """Name, unique among the account's tokens."""
    expires_at: datetime | None = None
    """Time of its end, in the future; null: without end."""


class MembershipView(ResponseType):
    """A role in a context, which is an organization or a project in it."""

    organization: OrganizationId
    organization_name: Name
    """Name of the organization."""
    project: ProjectId | None
    """GUID of the project; null: the role is in the organization."""
    project_name: Name | None
    """Name of the project."""
    role: RoleName
    """The role."""


class MembershipPage(Page):
    """A page of contexts: organizations, each before its projects, by name."""

    items: list[MembershipView]
    """Contexts of this page."""


class AccountView(ResponseType):
    """The token's user."""

    id: Guid
    """Id of the account."""
    email: Email
    """Email address, in lower case."""
    is_operator: bool
    """Whether the account operates the installation."""
    memberships: list[MembershipView]
    """All roles of the account."""


class Creation(RequestType):
    """Body of a request for a new organization or project."""

    name: GivenName
    """Name: printable, one line, not only spaces."""


class NameChange(RequestType):
    """Body of a change of an organization or project."""

    name: GivenName
    """Name: printable, one line, not only spaces."""


class OrganizationView(ResponseType):
    """An organization."""

    id: Guid
    """Id of the organization."""
    name: Name
    """Name of the organization."""
    created_at: datetime
    """Time of its creation."""


class OrganizationPage(Page):
    """A page of organizations, by name."""

    items: list[OrganizationView]
    """Organizations of this page."""


class ProjectView(ResponseType):
    """A project."""

    id: Guid
    """Id of the project."""
    name: Name
    """Name of the project."""
    organization: OrganizationId
    created_at: datetime
    """Time of its creation."""


class ProjectPage(Page):
    """A page of projects, by name."""

    items: list[ProjectView]
    """Projects of this page."""


class MemberView(ResponseType):
    """A member of a context."""

    email: Email
    """Email address of the user."""
    role: RoleName
    """The role."""
    project: ProjectId | None
    """GUID of the project; null: member of the whole organization."""


class MemberPage(Page):
    """A page of members, by email address."""

    items: list[MemberView]
    """Members of this page."""


class MemberAddition(RequestType):
    """Body of ``POST /api/v1/members``."""

    email: Annotated[str, Limits(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
    """Email address of the user."""
    role: RoleName
    """Role to give, in place of the present one."""


class MemberAdded(MemberView):
    """The new member; with a first password, shown once, where the user is new too."""

    initial_password: str | None = None
    """First password; null: the user was known already."""
