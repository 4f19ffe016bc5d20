"""Endpoints for secrets."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Response

from au2.domain.accounts.identity import Action
from au2.domain.accounts.secret import Secret
from au2.domain.errors import (
    Conflict,
    InvalidRequest,
    NotFound,
    NotPermitted,
    StorageFull,
    TooLarge,
)
from au2.http.created import created, set_location
from au2.http.dependencies import ContextCall, may_make
from au2.http.errors import NO_STORE, error_responses
from au2.http.paging import Order, PageOf
from au2.http.parameters import SecretPath
from au2.http.request_body import json_body
from au2.http.v1.views import view
from au2.wire.secret import (
    SecretCreation,
    SecretIngestion,
    SecretPage,
    SecretValueView,
    SecretView,
)

router = APIRouter(prefix="/secrets", tags=["secret"])
SecretCreationBody = Annotated[
    SecretCreation, json_body(SecretCreation, after=may_make(Action.CREATE_SECRET))
]
SecretIngestionBody = Annotated[
    SecretIngestion, json_body(SecretIngestion, after=may_make(Action.INGEST_SECRET))
]
_ORDER = Order[Secret](
    *(str, int, str),
    key=lambda secret: (secret.name, int(secret.context.project_id is None), secret.id),
)


@router.get("", responses=error_responses(NotFound, NotPermitted))
def list_secrets(call: ContextCall, asked: PageOf) -> SecretPage:
    """Secrets visible in the context, by name; without their values."""
    found = call.services.secrets.list_secrets(call.actor, call.context)
    return _ORDER.page(SecretPage, found, asked, partial(view, SecretView))


@router.post(
    "",
    status_code=201,
    responses=created("The new secret, without its value.")
    | error_responses(NotFound, NotPermitted, Conflict, TooLarge, InvalidRequest, StorageFull),
)
def create_secret(call: ContextCall, body: SecretCreationBody, response: Response) -> SecretView:
    """Create a secret of the context, with or without a value."""
    secret = call.services.secrets.create(
        call.actor, call.context, body.name, description=body.description, value=body.value
    )
    set_location(response, "secrets", secret.name, context=call.context)
    return view(SecretView, secret)


@router.get("/{secret}", responses=error_responses(NotFound, NotPermitted))
def get_secret(call: ContextCall, secret: SecretPath) -> SecretView:
    """The secret of this name in the context; without its value."""
    return view(SecretView, call.services.secrets.get(call.actor, call.context, secret))


@router.put(
    "/{secret}/value",
    responses=error_responses(
        NotFound, NotPermitted, Conflict, TooLarge, InvalidRequest, StorageFull
    ),
)
def ingest_secret(call: ContextCall, secret: SecretPath, body: SecretIngestionBody) -> SecretView:
    """Set or replace the value of a secret of exactly this context."""
    return view(
        SecretView, call.services.secrets.ingest(call.actor, call.context, secret, body.value)
    )


@router.get(
    "/{secret}/value",
    responses=error_responses(NotFound, NotPermitted, StorageFull) | {200: {"headers": NO_STORE}},
)
def download_secret(call: ContextCall, secret: SecretPath, response: Response) -> SecretValueView:
    """Value of a secret of exactly this context. The read is an event of the audit trail."""
    response.headers["Cache-Control"] = "no-store"
    return SecretValueView(value=call.services.secrets.download(call.actor, call.context, secret))


@router.delete(
    "/{secret}", status_code=204, responses=error_responses(NotFound, NotPermitted, StorageFull)
)
def delete_secret(call: ContextCall, secret: SecretPath) -> None:
    """Delete a secret of exactly this context with its value."""
    call.services.secrets.delete(call.actor, call.context, secret)
