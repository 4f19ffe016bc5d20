"""Logging in, tokens, the account."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Request

from au2.domain.errors import (
    Busy,
    Conflict,
    InvalidRequest,
    NotFound,
    StorageFull,
    TooLarge,
    TooManyAttempts,
    WrongPassword,
)
from au2.domain.throttle import client_of_address
from au2.http.dependencies import CostlyOf, CurrentActor, ServicesOf, get_actor
from au2.http.errors import error_responses
from au2.http.request_body import json_body
from au2.http.v1.views import view_account, view_new_token, view_token
from au2.wire.account import (
    AccountView,
    Login,
    NewTokenView,
    PasswordChange,
    TokenCreation,
    TokenView,
)

public = APIRouter(tags=["account"])
router = APIRouter(tags=["account"])
LoginBody = Annotated[Login, json_body(Login)]
PasswordChangeBody = Annotated[PasswordChange, json_body(PasswordChange, after=get_actor)]
TokenCreationBody = Annotated[TokenCreation, json_body(TokenCreation, after=get_actor)]


@public.post(
    "/login",
    status_code=201,
    responses=error_responses(
        WrongPassword, Conflict, TooLarge, InvalidRequest, TooManyAttempts, StorageFull, Busy
    ),
)
async def login(
    services: ServicesOf,
    costly: CostlyOf,
    body: LoginBody,
    request: Request,
) -> NewTokenView:
    """Exchange email address and password for a token."""
    address = _address_of(request)
    check = partial(services.accounts.login, body.email, body.password, address=address)
    return view_new_token(await costly.passwords.run(client_of_address(address), check))


@router.post("/tokens/renew", status_code=201, responses=error_responses(Conflict, StorageFull))
def renew_token(services: ServicesOf, actor: CurrentActor) -> NewTokenView:
    """Replace the login token of this request by one that lasts a full term."""
    return view_new_token(services.accounts.renew(actor))


@router.get("/tokens/current")
def get_current_token(services: ServicesOf, actor: CurrentActor) -> TokenView:
    """The token of this request."""
    return view_token(services.accounts.token_info(actor))


@router.delete("/tokens/current", status_code=204, responses=error_responses(StorageFull))
def logout(services: ServicesOf, actor: CurrentActor) -> None:
    """End the login of this request. A managed token is not removed by this."""
    services.accounts.logout(actor)


@router.get("/account")
def get_account(services: ServicesOf, actor: CurrentActor) -> AccountView:
    """Who the token belongs to, and all roles."""
    return view_account(services.accounts.show(actor))


@router.put(
    "/account/password",
    status_code=204,
    responses=error_responses(
        WrongPassword, Conflict, TooLarge, TooManyAttempts, StorageFull, Busy
    ),
)
async def change_password(
    services: ServicesOf,
    actor: CurrentActor,
    costly: CostlyOf,
    body: PasswordChangeBody,
    request: Request,
) -> None:
    """Replace one's own password. All logins end but the one of this request.

    With ``end_tokens`` all managed tokens end too, also if this request came with one.
    """
    address = _address_of(request)
    change = partial(
        services.accounts.change_password,
        actor,
        body.present,
        body.new,
        address=address,
        end_tokens=body.end_tokens,
    )
    await costly.passwords.run(client_of_address(address), change)


@router.get("/tokens")
def list_tokens(services: ServicesOf, actor: CurrentActor) -> list[TokenView]:
    """One's own managed tokens."""
    return [view_token(token) for token in services.managed_tokens.list_tokens(actor)]


@router.post("/tokens", status_code=201, responses=error_responses(TooLarge, Conflict, StorageFull))
def create_token(
    services: ServicesOf,
    actor: CurrentActor,
    body: TokenCreationBody,
) -> NewTokenView:
    """Make a managed token. Its secret is shown in this answer only."""
    new = services.managed_tokens.create_token(actor, body.name, expires_at=body.expires_at)
    return view_new_token(new)


@router.delete("/tokens/{token}", status_code=204, responses=error_responses(NotFound, StorageFull))
def delete_token(services: ServicesOf, actor: CurrentActor, token: str) -> None:
    """Remove one's own managed token, named by id or name."""
    services.managed_tokens.delete_token(actor, token)


def _address_of(request: Request) -> str:
    return "" if request.client is None else request.client.host
