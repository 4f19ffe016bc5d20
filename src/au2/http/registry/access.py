"""Authentication of registry requests, and the repository in their path."""

import base64
from functools import partial
from typing import NamedTuple

from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request

from au2.app.accounts.tokens import TOKEN_PREFIX
from au2.app.services import Services
from au2.domain.accounts.identity import Actor
from au2.domain.errors import InvalidRequest, NotAuthenticated
from au2.domain.processes.repository import Repository, parse_repository
from au2.http.audit_log import note_actor
from au2.http.registry.errors import RegistryError
from au2.oci.spec.digest import parse_any_digest


class RegistryCall(NamedTuple):
    """Use cases, repository and actor of a request."""

    services: Services
    repository: Repository
    actor: Actor


async def open_call(request: Request) -> RegistryCall:
    """Return the parties of a request. Raises RegistryError, NotAuthenticated."""
    repository = repository_of(request)
    return RegistryCall(services_of(request), repository, await actor_of(request))


def services_of(request: Request) -> Services:
    """Return the use cases."""
    services: Services = request.app.state.services
    return services


async def actor_of(request: Request) -> Actor:
    """Return the actor of a request, by its token.

    A token may also take the place of a password (HTTP basic). Raises NotAuthenticated.
    """
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    token = ""
    match scheme.lower():
        case "bearer":
            token = value.strip()
        case "basic":
            token = read_basic(value)[1]
    # Passwords are taken at the token endpoint only, which brakes those who guess.
    if not token.startswith(TOKEN_PREFIX):
        raise NotAuthenticated("A token is required.", hint="Log in: docker login")
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
        raise NotAuthenticated("The credentials are malformed.") from None
    name, _, password = text.partition(":")
    return name, password


def repository_of(request: Request) -> Repository:
    """Return the repository in the path. Raises RegistryError."""
    name = request.path_params["name"]
    try:
        return parse_repository(name)
    except InvalidRequest as error:
        # Names of another form are unknown, not invalid: other registries have them.
        raise RegistryError(404, "NAME_UNKNOWN", f"{error.message} {error.hint or ''}") from None


def ensure_digest(text: str) -> str:
    """Return ``text`` if a digest. Raises RegistryError with the code for bad digests."""
    try:
        return parse_any_digest(text)
    except InvalidRequest as error:
        raise RegistryError(400, "DIGEST_INVALID", error.message) from error
