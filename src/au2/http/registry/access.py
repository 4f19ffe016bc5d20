"""Who asks, and for which repository."""

import base64
from functools import partial

from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request

from au2.app.accounts.tokens import TOKEN_PREFIX
from au2.app.services import Services
from au2.domain.errors import InvalidRequest, NotAuthenticated
from au2.domain.identity import Actor
from au2.domain.repository import Repository, parse_repository
from au2.http.audit_log import note_actor
from au2.http.registry.errors import RegistryError
from au2.oci.spec.digest import parse_digest


def services_of(request: Request) -> Services:
    """The use cases."""
    services: Services = request.app.state.services
    return services


async def actor_of(request: Request) -> Actor:
    """Who asks, by a token, or by one in the place of a password. Raises NotAuthenticated."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    token = ""
    match scheme.lower():
        case "bearer":
            token = value.strip()
        case "basic":
            token = read_basic(value)[1]
    # Passwords are taken at the token endpoint only, which brakes those who guess.
    if not token.startswith(TOKEN_PREFIX):
        raise NotAuthenticated("A token is needed.", hint="Log in: docker login")
    accounts = services_of(request).accounts
    actor = await run_in_threadpool(partial(accounts.authenticate, token, at_registry=True))
    note_actor(request, actor)
    return actor


def read_basic(value: str) -> tuple[str, str]:
    """Return name and password (RFC 7617). Raises NotAuthenticated."""
    try:
        text = base64.b64decode(value.strip(), validate=True).decode()
    except ValueError:
        # Of the alphabet, the padding, characters beyond ASCII in a header, or no UTF-8.
        raise NotAuthenticated("The login can't be read.") from None
    name, _, password = text.partition(":")
    return name, password


def repository_of(request: Request) -> Repository:
    """The repository that the path names. Raises RegistryError."""
    name = request.path_params["name"]
    try:
        return parse_repository(name)
    except InvalidRequest as error:
        # Whatever is not ours by its form is simply not there: other names are fine elsewhere.
        raise RegistryError(404, "NAME_UNKNOWN", f"{error.message} {error.hint or ''}") from None


def ensure_digest(text: str) -> str:
    """Return a digest that a client named. Raises RegistryError, with the code that is for it."""
    try:
        return parse_digest(text)
    except InvalidRequest as error:
        raise RegistryError(400, "DIGEST_INVALID", error.message) from error
