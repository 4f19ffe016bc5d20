"""HTTP client of package indexes and registries, with the operator's credentials.

Requests are made by the platform itself, never in a container.
"""

import math
import netrc
import os
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from au2.dependencies.python.index_page import without_credentials
from au2.dependencies.sources import Sources
from au2.domain.errors import IndexUnreachable, TooLarge
from au2.domain.network_retry import Backoff, RetryBudget

_PAGE_BYTES = 256 << 20
_MOST_TRIES = 3
_FIRST_PAUSE_SECONDS = 0.5
_CHUNK_BYTES = 1 << 20
_CONNECT_SECONDS = 20.0


class Page(NamedTuple):
    """A small document of an index."""

    data: bytes
    content_type: str
    url: str
    """Its address after redirects, without user and password."""
    tag: str | None = None
    """ETag of this state."""


class Upstream:
    """HTTP client of indexes. Safe for threads.

    Args:
        sources: certificates, proxy and timeouts.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def get_page(self, url: str, *, accept: str, tag: str | None = None) -> Page | None:
        """Return a page; None: the server has none.

        Args:
            url: may hold a login.
            accept: value of the request's header.
            tag: ETag of a known state; while it holds, an empty page with this tag is returned.

        Raises:
            IndexUnreachable: no response, or an error.
            TooLarge: the page is over the limit.
        """
        headers = {"Accept": accept} | ({} if tag is None else {"If-None-Match": tag})
        with self._get(url, headers) as response:
            if response.status_code == httpx.codes.NOT_MODIFIED:
                return Page(b"", "", str(response.url), tag)
            if response.status_code in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
                return None
            _check(response, url)
            data = bytearray()
            for chunk in _translated(response.iter_bytes(_CHUNK_BYTES), url):
                data += chunk
                if len(data) > _PAGE_BYTES:
                    raise TooLarge(f"the page {without_credentials(url)} is too large")
            content_type = response.headers.get("Content-Type", "")
            return Page(bytes(data), content_type, str(response.url), response.headers.get("ETag"))

    @contextmanager
    def open(self, url: str) -> Iterator[Iterator[bytes]]:
        """Yield an iterator of a file's bytes. Raises IndexUnreachable."""
        with self._get(url, {"Accept-Encoding": "identity"}) as response:
            _check(response, url)
            yield _translated(response.iter_bytes(_CHUNK_BYTES), url)

    @contextmanager
    def open_if_there(self, url: str) -> Iterator[Iterator[bytes] | None]:
        """Yield as :meth:`open`; None: the server has no such file. Raises IndexUnreachable."""
        with self._get(url, {"Accept-Encoding": "identity"}) as response:
            if response.status_code in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
                yield None
                return
            _check(response, url)
            yield _translated(response.iter_bytes(_CHUNK_BYTES), url)

    def close(self) -> None:
        """Close connections."""
        if "_client" in self.__dict__:
            self._client.close()

    @contextmanager
    def _get(self, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        plain, user = _split_user(url)
        user = user or self._find_login(plain)
        budget = RetryBudget(
            pause=time.sleep,
            limit_seconds=math.inf,
            most_tries=_MOST_TRIES,
            backoff=Backoff(_FIRST_PAUSE_SECONDS),
        )
        while True:
            request = self._client.build_request("GET", plain, headers=headers)
            auth = httpx.BasicAuth(*user) if user else None
            try:
                response = self._client.send(request, auth=auth, stream=True)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                budget.wait(_unreachable(url, str(error) or type(error).__name__))
            else:
                # Package servers are often mirrors that lag or are busy for a moment.
                busy = response.status_code == httpx.codes.TOO_MANY_REQUESTS
                if not (busy or response.is_server_error) or budget.is_last_try:
                    try:
                        yield response
                    finally:
                        response.close()
                    return
                response.close()
                budget.wait(_unreachable(url, f"it answered {response.status_code}"))

    def _find_login(self, url: str) -> tuple[str, str] | None:
        """Return the login of a URL's host in the user's netrc file, which pip and uv read too."""
        found = None if self._netrc is None else self._netrc.hosts.get(urlsplit(url).hostname or "")
        return None if found is None else (found[0], found[2])

    @cached_property
    def _netrc(self) -> netrc.netrc | None:
        try:
            return netrc.netrc(os.environ.get("NETRC"))
        except (OSError, netrc.NetrcParseError):
            return None

    @cached_property
    def _client(self) -> httpx.Client:
        file = self._sources.ca_file
        context = ssl.create_default_context(cafile=None if file is None else str(file))
        return httpx.Client(
            verify=context,
            proxy=self._sources.proxy,
            mounts={
                f"https://{host}": self._unverified(host) for host in self._sources.trusted_hosts
            },
            follow_redirects=True,
            timeout=httpx.Timeout(self._sources.timeout_seconds, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=16),
            headers={"User-Agent": "au2"},
        )

    def _unverified(self, host: str) -> httpx.HTTPTransport:
        """Return the way to a host whose certificate the operator told pip not to check."""
        bypassed = proxy_bypass(host.partition(":")[0])
        proxy = self._sources.proxy or (None if bypassed else getproxies().get("https"))
        return httpx.HTTPTransport(verify=False, proxy=proxy)


def local_path(url: str) -> Path | None:
    """Return the path of a ``file:`` URL or an absolute path; None for other URLs."""
    if url.startswith("/"):
        return Path(url)
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _split_user(url: str) -> tuple[str, tuple[str, str] | None]:
    """Return a URL without its login, and the login: a URL ends up in logs sooner or later."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, None
    name, _, password = user.partition(":")
    return urlunsplit(parts._replace(netloc=host)), (unquote(name), unquote(password))


def _check(response: httpx.Response, url: str) -> None:
    if not response.is_success:
        raise _unreachable(url, f"it answered {response.status_code}")


def _translated(chunks: Iterator[bytes], url: str) -> Iterator[bytes]:
    try:
        yield from chunks
    except httpx.HTTPError as error:
        raise _unreachable(url, str(error) or type(error).__name__) from error


def _unreachable(url: str, reason: str) -> IndexUnreachable:
    return IndexUnreachable(
        f"the package index does not answer at {without_credentials(url)}: {reason}",
        hint="Upload again; if it happens again, ask your operator.",
    )
