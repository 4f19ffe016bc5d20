"""Logins for registries, from the file that ``docker login`` writes."""

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any

from au2.domain.errors import InvalidRequest
from au2.oci.spec.reference import DOCKER_HUB

_DOCKER_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "docker.io")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name and a password or access token. The password is never shown."""

    username: str
    password: str = field(repr=False)


def find_credentials(text: str, registry: str) -> Credentials | None:
    """Return the login for ``registry`` in the text of a Docker ``config.json``; None: none.

    Raises:
        InvalidRequest: the file is damaged, or keeps that login where only Docker can get it.
    """
    try:
        document = json.loads(text)
        logins = document.get("auths") or {}
        for key in _keys(registry):
            if isinstance(login := logins.get(key), dict):
                found = _read_login(login)
                if found is not None:
                    return found
        helpers = document.get("credHelpers") or {}
        helper = any(key in helpers for key in _keys(registry)) or (
            "credsStore" in document and any(key in logins for key in _keys(registry))
        )
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise InvalidRequest(
            f"the file with the logins for registries is damaged: {error}"
        ) from None
    if helper:
        raise InvalidRequest(
            f"The login for {registry} is kept by a helper of Docker, which is not asked.",
            hint="Write a config.json with that login in it, and name it in the settings: "
            "[runtimes] registry_logins.",
        )
    return None


def _keys(registry: str) -> tuple[str, ...]:
    if registry == DOCKER_HUB:
        return _DOCKER_HUB_KEYS
    return (registry, f"https://{registry}", f"http://{registry}", f"https://{registry}/v2/")


def _read_login(login: dict[str, Any]) -> Credentials | None:
    if login.get("auth"):
        try:
            decoded = base64.b64decode(login["auth"], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise ValueError("a login in it is not base64") from None
        username, colon, password = decoded.partition(":")
        if not colon:
            raise ValueError("a login in it has no password")
        return Credentials(username, password.rstrip("\0"))
    if login.get("username") and login.get("password"):
        return Credentials(str(login["username"]), str(login["password"]))
    return None
