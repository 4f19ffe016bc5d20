"""Endpoints for logins, tokens and the account."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Request, Response

from au2.app.accounts.accounts import NamedMembership
from au2.domain.accounts.account import Token
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
from au2.http.created import created, set_location
from au2.http.dependencies import Call, CostlyOf, ServicesOf, get_actor
from au2.http.errors import error_responses
from au2.http.paging import Order, PageOf, time_key
from au2.http.parameters import TokenPath
from au2.http.request_body import json_body
from au2.http.v1.views import view, view_account, view_new_token
from au2.wire.account import (
    AccountView,
    Login,
    MembershipPage,
    MembershipView,
    NewTokenView,
    PasswordChange,
    TokenCreation,
    TokenPage,
    TokenView,
)

public = APIRouter(tags=["account"])
router = APIRouter(tags=["account"])
LoginBody = Annotated[Login, json_body(Login)]
PasswordChangeBody = Annotated[PasswordChange, json_body(PasswordChange, after=get_actor)]
TokenCreationBody = Annotated[TokenCreation, json_body(TokenCreation, after=get_actor)]
_CONTEXTS = Order[NamedMembership](
    *(str, str, str, str),
    key=lambda found: (
        *(found.organization_name, found.context.organization_id),
        *(found.project_name or "", found.context.project_id or ""),
    ),
)
_ORDER = Order[Token](str, str, key=lambda token: (time_key(token.created_at), token.id))


@public.post(
    "/login",
    status_code=201,
    responses=created("The new token, with its secret.")
    | error_responses(
        WrongPassword, Conflict, TooLarge, InvalidRequest, TooManyAttempts, StorageFull, Busy
    ),
)
async def login(
    services: ServicesOf, costly: CostlyOf, body: LoginBody, request: Request, response: Response
) -> NewTokenView:
    """Exchange email address and password for a token."""
    address = _address_of(request)
    check = partial(services.accounts.login, body.email, body.password, address=address)
    new = await costly.passwords.run(client_of_address(address), check)
    set_location(response, "tokens", "current")
    return view_new_token(new)


@router.post(
    "/tokens/renew",
    status_code=201,
    responses=created("The new token, with its secret.") | error_responses(Conflict, StorageFull),
)
def renew_token(call: Call, response: Response) -> NewTokenView:
    """Replace the login token of this request by a new one with a full term."""
    set_location(response, "tokens", "current")
    return view_new_token(call.services.accounts.renew(call.actor))


@router.get("/tokens/current")
def get_current_token(call: Call) -> TokenView:
    """The token of this request."""
    return view(TokenView, call.services.accounts.token_info(call.actor))


@router.delete("/tokens/current", status_code=204, responses=error_responses(StorageFull))
def logout(call: Call) -> None:
    """End the login of this request. A managed token stays."""
    call.services.accounts.logout(call.actor)


@router.get("/account")
def get_account(call: Call) -> AccountView:
    """Account of the token, with all roles."""
    return view_account(call.services.accounts.show(call.actor))


@router.get("/account/contexts")
def list_contexts(call: Call, asked: PageOf) -> MembershipPage:
    """Contexts that the account's roles reach: organizations, each before its projects, by name.

    With the strongest role in each; an organization's role reaches all its projects.
    """
    found = call.services.organizations.list_contexts(call.actor)
    return _CONTEXTS.page(MembershipPage, found, asked, partial(view, MembershipView))


@router.put(
    "/account/password",
    status_code=204,
    responses=error_responses(
        WrongPassword, Conflict, TooLarge, TooManyAttempts, StorageFull, Busy
    ),
)
async def change_password(
    call: Call, costly: CostlyOf, body: PasswordChangeBody, request: Request
) -> None:
    """Replace the account's password. All other logins end.

    With ``end_tokens`` all managed tokens end too, including one used for this request.
    """
    address = _address_of(request)
    change = partial(
        call.services.accounts.change_password,
        call.actor,
        body.current_password,
        body.new_password,
        address=address,
        end_tokens=body.end_tokens,
    )
    await costly.passwords.run(client_of_address(address), change)


@router.get("/tokens")
def list_tokens(call: Call, asked: PageOf) -> TokenPage:
    """Managed tokens of the account, oldest first."""
    found = call.services.managed_tokens.list_tokens(call.actor)
    return _ORDER.page(TokenPage, found, asked, partial(view, TokenView))


@router.post(
    "/tokens",
    status_code=201,
    responses=created("The new token, with its secret.")
    | error_responses(TooLarge, Conflict, StorageFull),
)
def create_token(call: Call, body: TokenCreationBody, response: Response) -> NewTokenView:
    """Create a managed token. Its secret is shown in this response only."""
    new = call.services.managed_tokens.create_token(
        call.actor, body.name, expires_at=body.expires_at
    )
    set_location(response, "tokens", new.token.id)
    return view_new_token(new)


@router.get("/tokens/{token}", responses=error_responses(NotFound))
def get_token(call: Call, token: TokenPath) -> TokenView:
    """A managed token of the account, by id or name."""
    return view(TokenView, call.services.managed_tokens.get_token(call.actor, token))


@router.delete("/tokens/{token}", status_code=204, responses=error_responses(NotFound, StorageFull))
def delete_token(call: Call, token: TokenPath) -> None:
    """Remove a managed token of the account, by id or name."""
    call.services.managed_tokens.delete_token(call.actor, token)


def _address_of(request: Request) -> str:
    return "" if request.client is None else request.client.host
