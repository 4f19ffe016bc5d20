"""Accounts: users, their tokens, and the organizations, projects and members."""

from dataclasses import dataclass
from datetime import datetime

from au2.domain.accounts.identity import Membership


@dataclass(frozen=True, slots=True)
class User:
    """A user who can log in, with the password's hash."""

    id: str
    email: str
    password_hash: str
    is_operator: bool
    created_at: datetime
    disabled_at: datetime | None = None
    """Since when the user is refused."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token: the hash of its secret, never the secret."""

    id: str
    user_id: str
    kind: str
    name: str
    secret_hash: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization: the owner of projects, processes, secrets and jobs."""

    id: str
    name: str
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class Project:
    """A project inside one organization."""

    id: str
    organization_id: str
    name: str
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a context: the user's email address and membership."""

    email: str
    membership: Membership
