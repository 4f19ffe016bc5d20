"""Errors of the client: failed connections explained, and error responses as exceptions."""

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from au2.client.http.proxies import Proxy
from au2.client.http.urls import Address
from au2.domain.errors import (
    Au2Error,
    Conflict,
    Detail,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    ServerUnreachable,
    StorageFull,
    TooLarge,
    UnexpectedAnswer,
    all_errors,
)

_PROBE_TIMEOUT_SECONDS: Final = 2.0
_WITHOUT_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})
"""OpenSSL's reasons for a response without TLS, in several versions."""
_UNKNOWN_AUTHORITY: Final = frozenset({18, 19, 20, 21})
"""OpenSSL's codes for a certificate chain without a known authority."""
_NO_TUNNEL: Final = "Tunnel connection failed: "
"""Begin of ``http.client``'s message for a proxy that answers CONNECT with an error."""
_CA_VARIABLE: Final = "SSL_CERT_FILE"


def explain_failed_connection(
    address: Address, error: Exception, environment: Mapping[str, str], proxy: Proxy | None = None
) -> ServerUnreachable:
    """Return the error for a failed connection to ``address``."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _explain_certificate(address, error, environment)
    if isinstance(error, ssl.SSLError) and error.reason in _WITHOUT_TLS:
        plain = address._replace(scheme="http")
        return ServerUnreachable(
            f"The server {address} does not speak TLS.", hint=f"Try {plain} (--server, AU_SERVER)."
        )
    if proxy is not None:
        return _explain_proxy(address, error, proxy)
    return ServerUnreachable(
        f"The server {address} cannot be reached: {describe_cause(error)}.",
        hint="Is it running, and is the address right (--server, AU_SERVER)?",
    )


def explain_cut(
    address: Address, error: Exception, proxy: Proxy | None = None
) -> ServerUnreachable:
    """Return the error for a broken connection to ``address``."""
    way = "" if proxy is None else f" through {proxy}"
    return ServerUnreachable(f"The connection to {address}{way} broke: {describe_cause(error)}.")


def explain_refused_login(proxy: Proxy) -> ServerUnreachable:
    """Return the error for a proxy with a login (status 407)."""
    return ServerUnreachable(
        f"{_capital(proxy)} wants a user name and a password (status 407).",
        hint=f"Write them into {proxy.variable}: http://USER:PASSWORD@HOST:PORT",
    )


def explain_silence(address: Address, error: Exception) -> ServerUnreachable:
    """Return the error for a connection broken before the response began.

    One cause is plain HTTP to a TLS server; a probe of the server finds out.
    """
    hung_up = isinstance(error, ConnectionResetError | http.client.BadStatusLine)
    if address.scheme == "http" and hung_up and _speaks_tls(address):
        secure = address._replace(scheme="https")
        return ServerUnreachable(
            f"The server {address} speaks TLS.", hint=f"Try {secure} (--server, AU_SERVER)."
        )
    return explain_cut(address, error)


def describe_cause(error: Exception) -> str:
    """Return the text of a network error, in small letters and without a number."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def _explain_proxy(address: Address, error: Exception, proxy: Proxy) -> ServerUnreachable:
    told = str(error)
    if told.startswith(_NO_TUNNEL):
        cause = told.removeprefix(_NO_TUNNEL)
        if cause.startswith("407"):
            return explain_refused_login(proxy)
        return ServerUnreachable(
            f"{_capital(proxy)} gives no connection to {address}: {cause}.",
            hint="Is the address right (--server, AU_SERVER)? NO_PROXY leaves the proxy out.",
        )
    return ServerUnreachable(
        f"{_capital(proxy)}, through which {address} is asked, cannot be reached: "
        f"{describe_cause(error)}.",
        hint=f"Correct or unset {proxy.variable}, or name the server's host in NO_PROXY.",
    )


def _capital(proxy: Proxy) -> str:
    text = str(proxy)
    return text[0].upper() + text[1:]


def _explain_certificate(
    address: Address, error: ssl.SSLCertVerificationError, environment: Mapping[str, str]
) -> ServerUnreachable:
    reason = error.verify_message.rstrip(".")
    hint = None
    stated = environment.get(_CA_VARIABLE)
    if stated and not Path(stated).is_file():
        hint = f"There is no file '{stated}', which {_CA_VARIABLE} names."
    elif error.verify_code in _UNKNOWN_AUTHORITY:
        hint = f"If you know who signed it, trust their certificate: {_CA_VARIABLE}=ca.crt au2 …"
    return ServerUnreachable(f"The certificate of {address} is not trusted: {reason}.", hint=hint)


def _speaks_tls(address: Address) -> bool:
    """Whether a handshake succeeds. Nothing is sent, so no certificate is checked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    place = (address.host, address.port)
    try:
        with (
            socket.create_connection(place, _PROBE_TIMEOUT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=address.host),
        ):
            return True
    except OSError:
        return False


_SHOWN_CHARACTERS = 200
_MESSAGE_CHARACTERS = 4000
_MOST_DETAILS = 1000
_AWAY = {502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
"""Statuses of proxies whose server can't be reached."""

_BY_STATUS: dict[int, type[Au2Error]] = {
    401: NotAuthenticated,
    403: NotPermitted,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    422: InvalidRequest,
    507: StorageFull,
}


def parse_error_response(status: int, body: bytes) -> Au2Error:
    """Return the error of a response with ``status`` and ``body`` (``ErrorResponse``).

    An unknown code, of a newer server, falls back to the class of its status.
    """
    error = _error_object(body)
    if error is None:
        return _bare_failure(status, body)
    known = all_errors().get(error["code"]) or _BY_STATUS.get(status, Au2Error)
    hint = _find_line(error, "hint")
    return known(_as_line(error["message"]), hint=hint, details=_details(error))


def _error_object(body: bytes) -> dict[str, Any] | None:
    try:
        error = json.loads(body)["error"]
        # Proxies have objects like ours, with their status for a code.
        is_ours = isinstance(error["message"], str) and isinstance(error["code"], str)
        return error if is_ours else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _details(error: dict[str, Any]) -> list[Detail]:
    details = error.get("details")
    if not isinstance(details, list):
        return []
    found = [item for item in details[:_MOST_DETAILS] if isinstance(item, dict)]
    return [
        Detail(
            _find_line(item, "message") or "",
            pointer=_find_line(item, "pointer"),
            file=_find_line(item, "file"),
            line=item["line"] if isinstance(item.get("line"), int) else None,
        )
        for item in found
    ]


def _find_line(document: dict[str, Any], name: str) -> str | None:
    value = document.get(name)
    return _as_line(value) if isinstance(value, str) else None


def _as_line(text: str) -> str:
    """Return a server's text as one bounded line, which can't imitate other output."""
    line = " ".join(text.split("\n"))
    return line if len(line) <= _MESSAGE_CHARACTERS else f"{line[:_MESSAGE_CHARACTERS]} …"


def _bare_failure(status: int, body: bytes) -> Au2Error:
    """Return the error for a body of another form: of a proxy, or of another server.

    A proxy without its server is to clients the same as a refused connection. As with a cut
    connection, the server may have executed the request.
    """
    if status in _AWAY:
        return ServerUnreachable(
            "The server cannot be reached at the moment: a proxy in front of it answered with "
            f"status {status} ({_AWAY[status]}).",
            hint="Is the server running, and is the address right (--server, AU_SERVER)?",
        )
    text = " ".join(body.decode("utf-8", "replace").split())[:_SHOWN_CHARACTERS]
    message = f"The server answered with status {status}" + (f": {text}" if text else ".")
    if status in _BY_STATUS and status < 500:
        return _BY_STATUS[status](message)
    return UnexpectedAnswer(message, hint="Is this the address of an au2 server?")
