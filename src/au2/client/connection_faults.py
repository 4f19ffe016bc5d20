"""Why a connection did not come about: what it most likely was, and what to try."""

import http.client
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from au2.client.address import Address
from au2.domain.errors import ServerUnreachable

_PROBE_TIMEOUT_SECONDS: Final = 2.0
_WITHOUT_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})
"""What OpenSSL says of an answer that is no TLS, in several versions."""
_UNKNOWN_AUTHORITY: Final = frozenset({18, 19, 20, 21})
"""OpenSSL's codes for certificates, or chains of them, that nobody known vouches for."""
_CA_VARIABLE: Final = "SSL_CERT_FILE"


def explain_no_connection(
    address: Address, error: Exception, environment: Mapping[str, str]
) -> ServerUnreachable:
    """Return what to raise when connecting to ``address`` failed with ``error``."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _explain_certificate(address, error, environment)
    if isinstance(error, ssl.SSLError) and error.reason in _WITHOUT_TLS:
        plain = address._replace(scheme="http")
        return ServerUnreachable(
            f"The server {address} does not speak TLS.", hint=f"Try {plain} (--server, AU_SERVER)."
        )
    return ServerUnreachable(
        f"The server {address} cannot be reached: {describe_cause(error)}.",
        hint="Is it running, and is the address right (--server, AU_SERVER)?",
    )


def explain_cut(address: Address, error: Exception) -> ServerUnreachable:
    """Return what to raise when a connection to ``address`` broke with ``error``."""
    return ServerUnreachable(f"The connection to {address} broke: {describe_cause(error)}.")


def explain_silence(address: Address, error: Exception) -> ServerUnreachable:
    """The same where no answer had begun yet: so it is, too, where plain HTTP meets TLS.

    That is not guessed: the server is asked.
    """
    hung_up = isinstance(error, ConnectionResetError | http.client.BadStatusLine)
    if address.scheme == "http" and hung_up and _speaks_tls(address):
        secure = address._replace(scheme="https")
        return ServerUnreachable(
            f"The server {address} speaks TLS.", hint=f"Try {secure} (--server, AU_SERVER)."
        )
    return explain_cut(address, error)


def describe_cause(error: Exception) -> str:
    """Return what an error of the network says, in small letters and without a number."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


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
    """Whether a handshake succeeds there. Nothing is sent, so no certificate is checked."""
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
