"""Requests to one registry: address, redirects, login and retries."""

import math
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from au2.domain.errors import RegistryFailure
from au2.domain.network_retry import Backoff, RetryBudget
from au2.oci.registry_client.login import Credentials, RegistryLogin, parse_challenges
from au2.oci.registry_client.responses import explain_refusal, explain_trouble
from au2.oci.spec.reference import DOCKER_HUB, is_loopback


@dataclass(frozen=True, slots=True)
class RegistryOptions:
    """The operator's settings for registries, and the clock of retries."""

    ca_file: Path | None = None
    """Certificates to trust besides the system's."""
    plain_http: frozenset[str] = frozenset()
    """Registries (``host:port``) that may be spoken to unencrypted; loopback ones always may."""
    sleep: Callable[[float], None] = field(default=time.sleep, compare=False)


_MOST_TRIES = 5
_FIRST_PAUSE_SECONDS = 0.5
_DOCKER_HUB_HOST = "registry-1.docker.io"
_MOST_REDIRECTS = 5
_LONGEST_PAUSE_SECONDS = 30.0
_AGAIN = frozenset({429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TIMEOUT = httpx.Timeout(60.0, connect=20.0)
_NOT_TLS = (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError)


class RegistryTransport:
    """Sender of GET requests; callers close the responses."""

    def __init__(
        self, name: str, credentials: Credentials | None, options: RegistryOptions
    ) -> None:
        self._name = name
        self._options = options
        self._may_be_plain = is_loopback(name) or name in options.plain_http
        self._client = httpx.Client(verify=_make_tls(options.ca_file), timeout=_TIMEOUT)
        self._login = RegistryLogin(
            name, credentials, may_be_plain=self._may_be_plain, fetch=self._send_here
        )
        self._base: httpx.URL | None = None
        self._authorizations: dict[str, str] = {}

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, path: str, *, scope: str, accept: str = "*/*", offset: int = 0) -> httpx.Response:
        """Request ``path``, from byte ``offset`` on if the registry supports ranges.

        Args:
            path: below the registry's root.
            scope: scope of the token.
            accept: media types.
            offset: of the first wanted byte.

        Raises:
            RegistryFailure: unreachable, endless or unsafe redirects, no login.
        """
        headers = {"Accept": accept}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        budget = self.retry_budget()
        while True:
            try:
                response = self._get_once(path, scope, headers)
            except httpx.HTTPError as error:
                failure = self.trouble(error)
                # What can't be verified will not be better the next time.
                hopeless = "CERTIFICATE_VERIFY_FAILED" in str(error)
                if hopeless or not isinstance(error, httpx.TransportError):
                    raise failure from error
                budget.wait(failure)
                continue
            if budget.is_last_try or response.status_code not in _AGAIN:
                return response
            stated = response.headers.get("Retry-After", "")
            response.close()
            is_usable = stated.isdecimal() and len(stated) < 6
            budget.wait(
                self.refusal(response, path), stated_seconds=float(stated) if is_usable else None
            )

    def retry_budget(self) -> RetryBudget:
        """Return the retries of one operation."""
        return RetryBudget(
            pause=self._options.sleep,
            limit_seconds=math.inf,
            most_tries=_MOST_TRIES,
            backoff=Backoff(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS),
        )

    def trouble(self, error: Exception) -> RegistryFailure:
        """Return the error for a broken connection."""
        return explain_trouble(self._name, error)

    def refusal(self, response: httpx.Response, what: str) -> RegistryFailure:
        """Return the error for a response with an unexpected status."""
        status = response.status_code
        return explain_refusal(self._name, status, what, logged_in=self._login.is_known)

    def _get_once(self, path: str, scope: str, headers: dict[str, str]) -> httpx.Response:
        base = self._base or self._find_base()
        url = base.join(path)
        present = self._authorizations.get(scope)
        response = self._follow(url, headers, present)
        # Only the registry itself may ask for the login.
        if response.status_code != 401 or not _is_same_place(response.url, base):
            return response
        asked = parse_challenges(", ".join(response.headers.get_list("WWW-Authenticate")))
        try:
            fresh = self._login.answer(asked, scope)
        except BaseException:
            response.close()
            raise
        if fresh is None or fresh == present:
            return response
        response.close()
        self._authorizations[scope] = fresh
        return self._follow(url, headers, fresh)

    def _follow(
        self, url: httpx.URL, headers: dict[str, str], authorization: str | None
    ) -> httpx.Response:
        start = url
        for _ in range(_MOST_REDIRECTS + 1):
            own = {}
            if authorization is not None and _is_same_place(url, start):
                own = {"Authorization": authorization}
            response = self._send_here(url, headers | own)
            if response.status_code not in _REDIRECTS:
                return response
            location = response.headers.get("Location", "")
            response.close()
            url = self._next_place(url, location)
        raise RegistryFailure(f"{self._name} redirects more than {_MOST_REDIRECTS} times.")

    def _send_here(self, url: httpx.URL, headers: dict[str, str]) -> httpx.Response:
        sent = {"Accept-Encoding": "identity", **headers}
        request = self._client.build_request("GET", url, headers=sent)
        return self._client.send(request, stream=True, follow_redirects=False)

    def _next_place(self, url: httpx.URL, location: str) -> httpx.URL:
        try:
            following = url.join(location)
        except (httpx.InvalidURL, ValueError):
            following = httpx.URL("")
        allowed = {"https", url.scheme} if self._may_be_plain else {"https"}
        if not location or following.scheme not in allowed or following.userinfo:
            raise RegistryFailure(f"{self._name} redirects to an unsafe address.")
        return following

    def _find_base(self) -> httpx.URL:
        """Return the registry's address; TLS comes first where plain HTTP is allowed."""
        host = _DOCKER_HUB_HOST if self._name == DOCKER_HUB else self._name
        base = httpx.URL(f"https://{host}")
        if self._may_be_plain:
            try:
                self._send_here(base.join("/v2/"), {}).close()
            except _NOT_TLS as error:
                if "CERTIFICATE_VERIFY_FAILED" in str(error):
                    raise
                base = httpx.URL(f"http://{host}")
        self._base = base
        return base


def _make_tls(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:
            raise RegistryFailure(f"{ca_file} holds no usable certificates: {error}") from error
    return context


def _is_same_place(one: httpx.URL, other: httpx.URL) -> bool:
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)
