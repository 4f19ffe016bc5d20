"""Secrets."""

from datetime import datetime
from typing import Annotated

from au2.wire.base import Limits, RequestType, ResponseType
from au2.wire.page import Page


class SecretCreation(RequestType):
    """Body of ``POST /api/v1/secrets``: a secret, with or without a value."""

    hidden_ = frozenset({"value"})

    name: Annotated[str, Limits(min_length=1, max_length=200)]
    description: Annotated[str, Limits(max_length=100_000)] = ""
    value: str | None = None


class SecretIngestion(RequestType):
    """Body of ``PUT /api/v1/secrets/{secret}/value``."""

    hidden_ = frozenset({"value"})

    value: str


class SecretView(ResponseType):
    """A secret without its value."""

    id: str
    name: str
    description: str
    organization: str
    project: str | None
    has_value: bool
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str


class SecretPage(Page):
    """A page of secrets, by name; a project's before its organization's of the same name."""

    items: list[SecretView]


class SecretValueView(ResponseType):
    """A secret's value, for those who may have it."""

    hidden_ = frozenset({"value"})

    value: str
