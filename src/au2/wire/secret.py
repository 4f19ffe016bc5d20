"""Secrets."""

from datetime import datetime
from typing import Annotated

from au2.domain.accounts.secret_name import VALUE_BYTES
from au2.wire.base import Limits, RequestType, ResponseType
from au2.wire.field import (
    SECRET_NAME_PATTERN,
    Description,
    GivenDescription,
    Guid,
    Name,
    OrganizationId,
    Person,
    ProjectId,
    Shown,
)
from au2.wire.page import Page

SecretName = Annotated[
    str,
    Limits(min_length=1, max_length=200),
    Shown(pattern=SECRET_NAME_PATTERN, examples=["db-password"]),
]
SecretValue = Annotated[
    str, Shown(minLength=1, maxLength=VALUE_BYTES, description="At most 65536 bytes of UTF-8.")
]


class SecretCreation(RequestType):
    """Body of ``POST /api/v1/secrets``: a secret, with or without a value."""

    hidden_ = frozenset({"value"})

    name: SecretName
    """Name, unique in the context."""
    description: GivenDescription = ""
    """Purpose of the secret."""
    value: SecretValue | None = None
    """The value; null: it is set later."""


class SecretIngestion(RequestType):
    """Body of ``PUT /api/v1/secrets/{secret}/value``."""

    hidden_ = frozenset({"value"})

    value: SecretValue
    """The new value."""


class SecretView(ResponseType):
    """A secret without its value."""

    id: Guid
    """Id of the secret."""
    name: Name
    """Name of the secret."""
    description: Description
    """Purpose of the secret."""
    organization: OrganizationId
    project: ProjectId | None
    has_value: bool
    """Whether a value was set."""
    created_at: datetime
    """Time of its creation."""
    created_by: Person
    """Email address of who created it."""
    updated_at: datetime
    """Time of the last change."""
    updated_by: Person
    """Email address of who changed it last."""


class SecretPage(Page):
    """A page of secrets, by name; a project's before its organization's of the same name."""

    items: list[SecretView]
    """Secrets of this page."""


class SecretValueView(ResponseType):
    """A secret's value, for those who may have it."""

    hidden_ = frozenset({"value"})

    value: str
    """The value."""
