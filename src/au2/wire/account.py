"""Accounts: login, tokens, organizations, projects and members."""

from datetime import datetime
from typing import Annotated, Literal

from au2.domain.accounts.password import PASSWORD_LEAST_CHARACTERS, PASSWORD_MOST_CHARACTERS
from au2.wire.base import Limits, RequestType, ResponseType
from au2.wire.page import Page


class Login(RequestType):
    """Body of ``POST /api/v1/login``."""

    hidden_ = frozenset({"password"})

    email: Annotated[str, Limits(max_length=254)]
    password: Annotated[str, Limits(max_length=PASSWORD_MOST_CHARACTERS)]


class PasswordChange(RequestType):
    """Body of ``PUT /api/v1/account/password``."""

    hidden_ = frozenset({"current_password", "new_password"})

    current_password: Annotated[str, Limits(max_length=PASSWORD_MOST_CHARACTERS)]
    new_password: Annotated[
        str, Limits(min_length=PASSWORD_LEAST_CHARACTERS, max_length=PASSWORD_MOST_CHARACTERS)
    ]
    end_tokens: bool = False
    """End all managed tokens too."""


class TokenView(ResponseType):
    """A token, without its secret."""

    id: str
    kind: Literal["login", "managed"]
    name: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class NewTokenView(TokenView):
    """A new token with its secret, which only this response holds."""

    hidden_ = frozenset({"token"})

    token: str


class TokenPage(Page):
    """A page of managed tokens, oldest first."""

    items: list[TokenView]


class TokenCreation(RequestType):
    """Body of ``POST /api/v1/tokens``: a managed token."""

    name: Annotated[str, Limits(min_length=1, max_length=200)]
    expires_at: datetime | None = None


class MembershipView(ResponseType):
    """A role in a context, which is an organization or a project in it."""

    organization: str
    organization_name: str
    project: str | None
    project_name: str | None
    role: str


class MembershipPage(Page):
    """A page of contexts: organizations, each before its projects, by name."""

    items: list[MembershipView]


class AccountView(ResponseType):
    """The token's user."""

    id: str
    email: str
    is_operator: bool
    memberships: list[MembershipView]


class Creation(RequestType):
    """Body of a request for a new organization or project."""

    name: Annotated[str, Limits(min_length=1, max_length=200)]


class NameChange(RequestType):
    """Body of a change of an organization or project."""

    name: Annotated[str, Limits(min_length=1, max_length=200)]


class OrganizationView(ResponseType):
    """An organization."""

    id: str
    name: str
    created_at: datetime


class OrganizationPage(Page):
    """A page of organizations, by name."""

    items: list[OrganizationView]


class ProjectView(ResponseType):
    """A project."""

    id: str
    name: str
    organization: str
    created_at: datetime


class ProjectPage(Page):
    """A page of projects, by name."""

    items: list[ProjectView]


class MemberView(ResponseType):
    """A member of a context."""

    email: str
    role: str
    project: str | None
    """None: member of the whole organization."""


class MemberPage(Page):
    """A page of members, by email address."""

    items: list[MemberView]


class MemberAddition(RequestType):
    """Body of ``POST /api/v1/members``."""

    email: Annotated[str, Limits(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
    role: str


class MemberAdded(MemberView):
    """The new member; with a first password, shown once, where the user is new too."""

    initial_password: str | None = None
