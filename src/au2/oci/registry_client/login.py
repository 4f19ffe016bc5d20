"""Login to a registry: credentials from Docker's configuration, and responses to challenges."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from au2.domain.errors import InvalidRequest, RegistryFailure
from au2.oci.registry_client.responses import explain_refusal, read_small
from au2.oci.spec.reference import DOCKER_HUB

_DOCKER_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "docker.io")


@dataclass(frozen=True, slots=True)
class Credentials:
    """User name, and password or access token. The password is never shown."""

    username: str
    password: str = field(repr=False)


def find_credentials(text: str, registry: str) -> Credentials | None:
    """Return the login for ``registry`` in the text of a Docker ``config.json``; None: none.

    Raises:
        InvalidRequest: the file is damaged, or keeps the login where only Docker has access.
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


_MOST_CHARACTERS = 8192
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SCHEME = re.compile(rf"[\s,]*({_WORD})(?=\s|,|$)(?!\s*=)")
_PARAMETER = re.compile(rf'[\s,]*({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))')


@dataclass(frozen=True, slots=True)
class Challenge:
    """One authentication scheme offered by a registry (RFC 9110, 11.6.1)."""

    scheme: str
    """In lower case: ``bearer``, ``basic`` …"""
    parameters: Mapping[str, str]
    """By their names in lower case: ``realm``, ``service``, ``scope`` …"""


def parse_challenges(header: str) -> list[Challenge]:
    """Return the challenges of a header, in order, up to the first malformed one."""
    text, found = header[:_MOST_CHARACTERS], []
    position = 0
    while scheme := _SCHEME.match(text, position):
        position = scheme.end()
        parameters: dict[str, str] = {}
        while pair := _PARAMETER.match(text, position):
            name, quoted, plain = pair.groups()
            value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            parameters.setdefault(name.lower(), value)
            position = pair.end()
        found.append(Challenge(scheme[1].lower(), parameters))
    return found


_MOST_ANSWER_BYTES = 1 << 20

Fetch = Callable[[httpx.URL, dict[str, str]], httpx.Response]
"""Sends a GET request with headers; the answer is open and comes from that place itself."""


class RegistryLogin:
    """Login to one registry: credentials, and tokens from its token service."""

    def __init__(
        self, name: str, credentials: Credentials | None, *, may_be_plain: bool, fetch: Fetch
    ) -> None:
        self._name = name
        self._credentials = credentials
        self._may_be_plain = may_be_plain
        self._fetch = fetch

    @property
    def is_known(self) -> bool:
        """Whether there are a user name and a password."""
        return self._credentials is not None

    def answer(self, challenges: Sequence[Challenge], scope: str) -> str | None:
        """Return a value for ``Authorization``; None if no challenge can be met.

        Raises:
            RegistryFailure: no token was issued, or the token service is at an unsafe address.
        """
        for challenge in challenges:
            if challenge.scheme == "bearer" and "realm" in challenge.parameters:
                return f"Bearer {self._fetch_token(challenge, scope)}"
            if challenge.scheme == "basic" and self._credentials is not None:
                return _basic(self._credentials)
        return None

    def _fetch_token(self, challenge: Challenge, scope: str) -> str:
        realm = self._safe_realm(challenge.parameters["realm"])
        query = {
            "service": challenge.parameters.get("service", ""),
            # What is wanted is ours to say: a registry that asks for more does not get it.
            "scope": scope,
        }
        headers = {} if self._credentials is None else {"Authorization": _basic(self._credentials)}
        url = realm.copy_merge_params({key: text for key, text in query.items() if text})
        response = self._fetch(url, headers)
        try:
            if response.status_code != 200:
                raise explain_refusal(
                    self._name, response.status_code, "a token", logged_in=self.is_known
                )
            return self._read_token(read_small(response, _MOST_ANSWER_BYTES))
        finally:
            response.close()

    def _safe_realm(self, text: str) -> httpx.URL:
        try:
            realm = httpx.URL(text)
        except (httpx.InvalidURL, ValueError):
            realm = httpx.URL("")
        allowed = {"https", "http"} if self._may_be_plain else {"https"}
        if realm.scheme not in allowed or not realm.host or realm.userinfo:
            raise RegistryFailure(f"{self._name} wants a login at an unsafe address.")
        return realm

    def _read_token(self, data: bytes) -> str:
        try:
            document: Any = json.loads(data)
            token = document.get("token") or document.get("access_token")
        except (ValueError, AttributeError, RecursionError):
            token = None
        if not isinstance(token, str) or not (token.isascii() and token.isprintable()):
            raise RegistryFailure(f"The login of {self._name} gave no token.")
        return token


def _basic(credentials: Credentials) -> str:
    pair = f"{credentials.username}:{credentials.password}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
