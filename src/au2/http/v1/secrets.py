"""Secrets."""

from typing import Annotated

from fastapi import APIRouter, Response

from au2.domain.errors import (
    Conflict,
    InvalidRequest,
    NotFound,
    NotPermitted,
    StorageFull,
    TooLarge,
)
from au2.domain.identity import Action
from au2.http.dependencies import CurrentActor, CurrentContext, ServicesOf, may_make
from au2.http.errors import error_responses
from au2.http.request_body import json_body
from au2.http.v1.views import view_secret
from au2.wire.secret import SecretCreation, SecretIngestion, SecretValueView, SecretView

router = APIRouter(prefix="/secrets", tags=["secret"])
SecretCreationBody = Annotated[
    SecretCreation, json_body(SecretCreation, after=may_make(Action.CREATE_SECRET))
]
SecretIngestionBody = Annotated[
    SecretIngestion, json_body(SecretIngestion, after=may_make(Action.INGEST_SECRET))
]


@router.get("", responses=error_responses(NotFound, NotPermitted))
def list_secrets(
    services: ServicesOf, actor: CurrentActor, context: CurrentContext
) -> list[SecretView]:
    """Secrets that can be used in the context, by name; without their values."""
    return [view_secret(secret) for secret in services.secrets.list_secrets(actor, context)]


@router.post(
    "",
    status_code=201,
    responses=error_responses(
        NotFound, NotPermitted, Conflict, TooLarge, InvalidRequest, StorageFull
    ),
)
def create_secret(
    services: ServicesOf,
    actor: CurrentActor,
    context: CurrentContext,
    body: SecretCreationBody,
) -> SecretView:
    """Make a secret of the context, with or without a value."""
    secret = services.secrets.create(
        actor, context, body.name, description=body.description, value=body.value
    )
    return view_secret(secret)


@router.get("/{secret}", responses=error_responses(NotFound, NotPermitted))
def get_secret(
    services: ServicesOf, actor: CurrentActor, context: CurrentContext, secret: str
) -> SecretView:
    """The secret that a name means in the context; without its value."""
    return view_secret(services.secrets.get(actor, context, secret))


@router.put(
    "/{secret}/value",
    responses=error_responses(
        NotFound, NotPermitted, Conflict, TooLarge, InvalidRequest, StorageFull
    ),
)
def ingest_secret(
    services: ServicesOf,
    actor: CurrentActor,
    context: CurrentContext,
    secret: str,
    body: SecretIngestionBody,
) -> SecretView:
    """Give one of the context's own secrets a value, or another one."""
    return view_secret(services.secrets.ingest(actor, context, secret, body.value))


@router.get("/{secret}/value", responses=error_responses(NotFound, NotPermitted, StorageFull))
def download_secret(
    services: ServicesOf,
    actor: CurrentActor,
    context: CurrentContext,
    secret: str,
    response: Response,
) -> SecretValueView:
    """The value of one of the context's own secrets. That it was read is written down."""
    response.headers["Cache-Control"] = "no-store"
    return SecretValueView(value=services.secrets.download(actor, context, secret))


@router.delete(
    "/{secret}", status_code=204, responses=error_responses(NotFound, NotPermitted, StorageFull)
)
def delete_secret(
    services: ServicesOf, actor: CurrentActor, context: CurrentContext, secret: str
) -> None:
    """Delete one of the context's own secrets with its value."""
    services.secrets.delete(actor, context, secret)
