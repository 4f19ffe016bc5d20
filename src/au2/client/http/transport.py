"""Transport: one kept-alive connection to one server, for JSON and streams.

Based on ``http.client`` and not on httpx: importing httpx takes about 140 ms, half the time of a
whole ``docker run``, and a command needs only one connection. httpx's pools, HTTP/2 and async have
no use here.
"""

import http.client
import json
import math
import re
import select
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from au2.client.http.errors import (
    explain_cut,
    explain_failed_connection,
    explain_refused_login,
    explain_silence,
    parse_error_response,
)
from au2.client.http.proxies import Proxy, find_proxy
from au2.client.http.urls import Address, ensure_sendable
from au2.domain.errors import (
    InvalidRequest,
    NotAuthenticated,
    ServerUnreachable,
    UnexpectedAnswer,
    WrongPassword,
)
from au2.domain.json_value import encode_json

API_PREFIX: Final = "/api/v1"
CONNECT_TIMEOUT_SECONDS: Final = 10.0
ANSWER_TIMEOUT_SECONDS: Final = 60.0
_ANSWER_LIMIT_BYTES: Final = 64 << 20
_MOST_VALUES: Final = 2_000_000
"""Limit of values in a response: each takes a hundred bytes of memory, from two characters. The
longest response names the missing contents of an upload, a million at most."""
_FAILURE_LIMIT_BYTES: Final = 1 << 20

_BROKEN: Final = (OSError, http.client.HTTPException, ValueError)
"""Errors of reading a response that breaks off or is malformed: a chunk may have -5 bytes."""
_SURROGATE: Final = re.compile(rb"\\ud[89a-f]", re.IGNORECASE)
_MOST_TARGET_CHARACTERS: Final = 8000
"""Limit of path and query, as servers and proxies commonly have it."""

_JSON: Final = "application/json"
Query = Mapping[str, str | int | None]


class _Request(NamedTuple):
    method: str
    path: str
    query: Query | None
    headers: Mapping[str, str]
    body: bytes | Iterable[bytes] | None
    timeout_seconds: float


class Transport:
    """A lazily opened, kept-alive connection. For one thread."""

    def __init__(
        self,
        address: Address,
        *,
        token: str | None,
        environment: Mapping[str, str],
        user_agent: str = "au2",
    ) -> None:
        self.address = address
        self._token = token
        self._environment = environment
        self._user_agent = user_agent
        self._connection: http.client.HTTPConnection | None = None
        self._prefix = address.path + API_PREFIX
        self._extra_headers: dict[str, str] = {}
        self._proxy: Proxy | None = None

    def close(self) -> None:
        """Close the connection, if one is open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        document: object = None,
        timeout_seconds: float = ANSWER_TIMEOUT_SECONDS,
    ) -> Any:
        """Send a request with ``document`` as JSON and return the JSON answer (None if empty).

        ``path`` is below the API's prefix, its segments are quoted
        (:func:`au2.client.http.urls.quote_segment`).

        Raises:
            ServerUnreachable: no connection, or a cut one, or a proxy without the server. Requests
                are not repeated here: the server may have received the first one.
            Au2Error: the class named by the error response.
        """
        body = None if document is None else _encode(document)
        headers = {} if body is None else {"Content-Type": _JSON}
        response = self._exchange(_Request(method, path, query, headers, body, timeout_seconds))
        return self._read_answer(response)

    def send(
        self,
        method: str,
        path: str,
        *,
        body: Iterable[bytes],
        size_bytes: int | None,
        media_type: str,
        query: Query | None = None,
        timeout_seconds: float = ANSWER_TIMEOUT_SECONDS,
    ) -> Any:
        """Stream ``body`` (chunked if its size is unknown) and return the JSON answer."""
        headers = {"Content-Type": media_type}
        if size_bytes is not None:
            headers["Content-Length"] = str(size_bytes)
        response = self._exchange(_Request(method, path, query, headers, body, timeout_seconds))
        return self._read_answer(response)

    @contextmanager
    def stream(
        self,
        path: str,
        *,
        query: Query | None = None,
        accept: str,
        timeout_seconds: float = ANSWER_TIMEOUT_SECONDS,
    ) -> Iterator[http.client.HTTPResponse]:
        """GET ``path`` and yield the open response; ``timeout_seconds`` is its longest silence.

        A connection that is cut before the response's end raises ServerUnreachable too.
        """
        headers = {"Accept": accept}
        response = self._exchange(_Request("GET", path, query, headers, None, timeout_seconds))
        try:
            yield response
            if response.isclosed() and response.length:
                # Reading the rest would not show the missing bytes.
                raise http.client.IncompleteRead(b"", response.length)
        except _BROKEN as error:
            raise self._cut(error) from error
        finally:
            if not response.isclosed():
                self._break_off(response)

    def _exchange(self, request: _Request) -> http.client.HTTPResponse:
        connection = self._connect()
        assert connection.sock is not None  # noqa: S101 - for the type checker
        connection.sock.settimeout(request.timeout_seconds)
        try:
            response = self._send_and_wait(connection, request)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if self._proxy is not None:
                raise self._cut(error) from error
            raise explain_silence(self.address, error) from error
        except BaseException:
            # Half a request was sent: what comes next on this connection would be misread.
            self.close()
            raise
        if response.status >= 300:
            raise self._failure(response)
        return response

    def _send_and_wait(
        self, connection: http.client.HTTPConnection, request: _Request
    ) -> http.client.HTTPResponse:
        sent = {"Accept": _JSON, "User-Agent": self._user_agent} | self._extra_headers
        if self._token is not None:
            sent["Authorization"] = f"Bearer {self._token}"
        try:
            target = self._target(request.path, request.query)
            headers = sent | dict(request.headers)
            connection.request(request.method, target, request.body, headers)
        except (BrokenPipeError, ConnectionResetError):
            # A server that refuses a long body answers before it has read all of it, and hangs up.
            return connection.getresponse()
        return connection.getresponse()

    def _target(self, path: str, query: Query | None) -> str:
        target = self._prefix + path
        given = {name: value for name, value in (query or {}).items() if value is not None}
        if not given:
            return target
        for value in given.values():
            ensure_sendable(str(value))
        target = f"{target}?{urlencode(given)}"
        if len(target) > _MOST_TARGET_CHARACTERS:
            raise InvalidRequest("The query is too long for a URL.")
        return target

    def _connect(self) -> http.client.HTTPConnection:
        if self._connection is not None and not _is_alive(self._connection):
            self.close()
        if self._connection is None:
            proxy = find_proxy(self.address, self._environment)
            connection = self._make_connection(proxy)
            try:
                connection.connect()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                raise explain_failed_connection(
                    self.address, error, self._environment, proxy
                ) from error
            self._connection = connection
        return self._connection

    def _make_connection(self, proxy: Proxy | None) -> http.client.HTTPConnection:
        address = self.address
        self._proxy = proxy
        host, port = (address.host, address.port) if proxy is None else (proxy.host, proxy.port)
        headers = {}
        if proxy is not None and proxy.authorization is not None:
            headers["Proxy-Authorization"] = proxy.authorization
        if address.scheme == "https":
            secure = http.client.HTTPSConnection(host, port, timeout=CONNECT_TIMEOUT_SECONDS)
            if proxy is not None:
                secure.set_tunnel(address.host, address.port, headers)
            return secure
        if proxy is not None:
            # Without encryption there is no tunnel: the proxy reads the whole URL.
            self._prefix = str(address) + API_PREFIX
            self._extra_headers = headers
        return _PlainConnection(host, port, timeout=CONNECT_TIMEOUT_SECONDS)

    def _read_answer(self, response: http.client.HTTPResponse) -> Any:
        try:
            body = response.read(_ANSWER_LIMIT_BYTES)
            rest = b"" if response.isclosed() else response.read(1)
        except _BROKEN as error:
            self._break_off(response)
            raise self._cut(error) from error
        if rest:
            self._break_off(response)
            raise UnexpectedAnswer("The server's answer is too long.")
        if response.length:
            self._break_off(response)
            raise self._cut(http.client.IncompleteRead(body, response.length))
        if not body:
            return None
        if sum(map(body.count, (b",", b"[", b"{"))) > _MOST_VALUES:
            raise UnexpectedAnswer("The server's answer is too long.")
        try:
            document = json.loads(body, parse_float=_read_float, parse_constant=_read_float)
            if _SURROGATE.search(body):
                encode_json(document)  # Half a character could be written to no file.
            return document
        except (ValueError, RecursionError) as error:
            raise UnexpectedAnswer(hint="Is this the address of an au2 server?") from error

    def _failure(self, response: http.client.HTTPResponse) -> Exception:
        try:
            body = response.read(_FAILURE_LIMIT_BYTES)
        except _BROKEN:
            body = b""
        if not response.isclosed():
            self._break_off(response)
        if response.status == http.HTTPStatus.PROXY_AUTHENTICATION_REQUIRED and self._proxy:
            return explain_refused_login(self._proxy)
        failure = parse_error_response(response.status, body)
        logged_out = isinstance(failure, NotAuthenticated) and not isinstance(
            failure, WrongPassword
        )
        if logged_out and failure.hint is None:
            failure.hint = "Log in with: au2 login"
        return failure

    def _break_off(self, response: http.client.HTTPResponse) -> None:
        """Read no more of a response, and close its connection, which the rest would block."""
        response.close()
        self.close()

    def _cut(self, error: Exception) -> ServerUnreachable:
        return explain_cut(self.address, error, self._proxy)


def _encode(document: object) -> bytes:
    try:
        return encode_json(document)
    except ValueError as error:
        raise InvalidRequest(f"The value can't be encoded as JSON: {error}.") from error


class _PlainConnection(http.client.HTTPConnection):
    """Connection by the host's bytes: text needs the IDNA codec, which is slow to import."""

    def connect(self) -> None:
        """Open the connection."""
        host: Any = self.host.encode("ascii") if self.host.isascii() else self.host
        self.sock = socket.create_connection((host, self.port), self.timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _read_float(text: str) -> float:
    """Return a number of JSON, which has no infinity and no NaN."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _is_alive(connection: http.client.HTTPConnection) -> bool:
    """Whether a waiting connection can be used again: servers close idle ones.

    Between requests nothing may arrive, so any readable byte is the end of the stream.
    """
    if connection.sock is None:
        return False
    readable, _, _ = select.select([connection.sock], [], [], 0)
    return not readable
