"""Logging in, tokens, and who one is."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from au2.domain.identity import PASSWORD_LEAST_CHARACTERS, PASSWORD_MOST_CHARACTERS
from au2.wire.base import Model, View


class Login(Model):
    """Body of ``POST /api/v1/login``."""

    email: str = Field(max_length=254)
    password: str = Field(max_length=PASSWORD_MOST_CHARACTERS)


class PasswordChange(Model):
    """Body of ``PUT /api/v1/account/password``."""

    present: str = Field(max_length=PASSWORD_MOST_CHARACTERS)
    new: str = Field(min_length=PASSWORD_LEAST_CHARACTERS, max_length=PASSWORD_MOST_CHARACTERS)
    end_tokens: bool = False
    """End all managed tokens too."""


class TokenView(View):
    """A token, without its secret."""

    id: str
    kind: Literal["login", "managed"]
    name: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class NewTokenView(TokenView):
    """A token as it is shown once."""

    token: str


class TokenCreation(Model):
    """Body of ``POST /api/v1/tokens``: a managed token."""

    name: str = Field(min_length=1, max_length=200)
    expires_at: datetime | None = None


class MembershipView(View):
    """A role in a context."""

    organization: str
    organization_name: str
    project: str | None
    project_name: str | None
    role: str


class AccountView(View):
    """Who the token belongs to."""

    id: str
    email: str
    is_operator: bool
    memberships: list[MembershipView]
