"""Secrets."""

from datetime import datetime

from pydantic import Field

from au2.wire.base import Model, View


class SecretCreation(Model):
    """Body of ``POST /api/v1/secrets``: a secret, with its value if that is known already."""

    name: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=100_000)
    value: str | None = Field(default=None, repr=False)


class SecretIngestion(Model):
    """Body of ``PUT /api/v1/secrets/{secret}/value``."""

    value: str = Field(repr=False)


class SecretView(View):
    """A secret; its value is not part of it."""

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


class SecretValueView(View):
    """A secret's value, for those who may have it."""

    value: str = Field(repr=False)
