"""Tokens for registry clients (Docker's "token authentication", with its OAuth2 form).

Container tools pass these tokens on, to logs and credential helpers, so their use is narrow: an
hour at the registry only. Permissions are checked anew at each request; scopes named by clients
are ignored.
"""

from functools import partial
from typing import NamedTuple
from urllib.parse import parse_qs

from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from au2.app.accounts.tokens import TOKEN_PREFIX, NewToken
from au2.domain.errors import Au2Error
from au2.domain.throttle import client_of_address
from au2.http.concurrency import CostlyRequests
from au2.http.registry.access import read_basic, services_of
from au2.http.registry.errors import RegistryError

_LASTS_SECONDS = 3600
_MOST_BYTES = 16 << 10
_MOST_FIELDS = 100


class _Login(NamedTuple):
    name: str
    password: str


async def get_token(request: Request) -> Response:
    """``GET /v2/token``: name and password as HTTP basic authentication."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise _needs_login("Log in with your email address and password, or a token.")
    return await _answer(request, _Login(*read_basic(value)))


async def post_token(request: Request) -> Response:
    """``POST /v2/token``: name and password as a form (RFC 6749, section 4.3)."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise RegistryError(413, "SIZE_INVALID", "The form is too long.")
    try:
        form = parse_qs(body.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise RegistryError(400, "UNSUPPORTED", "The form has too many fields.") from None
    if form.get("grant_type") != ["password"]:
        raise RegistryError(400, "UNSUPPORTED", "Only grant_type=password is offered.")
    login = _Login(form.get("username", [""])[0], form.get("password", [""])[0])
    return await _answer(request, login)


async def _answer(request: Request, login: _Login) -> Response:
    try:
        new = await _exchange(request, login)
    except Au2Error as error:
        if error.status != 401:
            raise
        raise _needs_login(error.message) from error
    issued_at, expires_at = new.token.created_at, new.token.expires_at
    assert expires_at is not None  # noqa: S101 - registry tokens all end
    document = {
        "token": new.secret,
        "access_token": new.secret,
        # Counted from when it was issued, which may be a while ago.
        "expires_in": int((expires_at - issued_at).total_seconds()),
        "issued_at": issued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return JSONResponse(document, headers={"Cache-Control": "no-store"})


async def _exchange(request: Request, login: _Login) -> NewToken:
    """Return the token to use. Raises NotAuthenticated, TooManyAttempts, StorageFull, Busy."""
    address = "" if request.client is None else request.client.host
    accounts = services_of(request).accounts
    if login.password.startswith(TOKEN_PREFIX):
        lend = partial(accounts.lend_to_registry, email=login.name, address=address)
        return await run_in_threadpool(lend, login.password, _LASTS_SECONDS)
    costly: CostlyRequests = request.app.state.costly
    check = partial(
        accounts.login,
        login.name,
        login.password,
        address=address,
        for_registry_seconds=_LASTS_SECONDS,
    )
    return await costly.passwords.run(client_of_address(address), check)


def _needs_login(message: str) -> RegistryError:
    headers = {"WWW-Authenticate": 'Basic realm="au2"'}
    return RegistryError(401, "UNAUTHORIZED", message, headers)
