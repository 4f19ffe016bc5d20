"""Endpoint of the API: address to listen on, certificate, and the TLS context."""

import ipaddress
import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from au2.domain.errors import ServerNotStarted

_LISTEN = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^:\[\]]+)):(\d{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """An IP address and a port; port 0 asks the kernel for a free one."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the address."""
        return ipaddress.ip_address(self.host).is_loopback

    def __str__(self) -> str:
        """Return ``127.0.0.1:8080`` or ``[::1]:8080``; inverse of :func:`parse_listen_address`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen_address(text: str) -> ListenAddress:
    """Return the address of ``HOST:PORT``. Raises ValueError.

    HOST is an IP address (IPv6 in brackets) or localhost.
    """
    match = _LISTEN.fullmatch(text.strip())
    if match is None:
        raise ValueError("no address and port")
    host = match[1] or match[2]
    address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    if (match[1] is not None) != (address.version == 6):
        raise ValueError("brackets are for IPv6 addresses, and these need them")
    if int(match[3]) > 65535:
        raise ValueError("no port")
    return ListenAddress(str(address), int(match[3]))


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Certificate with its chain, and its key, both as PEM."""

    certificate: Path
    key: Path

    def make_context(self) -> ssl.SSLContext:
        """Return a server's context, with the certificate and key as they are now.

        Raises ServerNotStarted unless they can be used together.
        """
        for file in (self.certificate, self.key):
            try:
                file.open("rb").close()
            except OSError as error:
                raise ServerNotStarted(
                    f"The server can't read '{file}': {error.strerror}.",
                    hint="See tls_certificate and tls_key in [server] of the settings.",
                ) from error
        try:
            # A password would have to be asked for at every restart.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except (ssl.SSLError, ValueError) as error:
            raise ServerNotStarted(
                f"'{self.certificate}' and '{self.key}' are no certificate with its key: {error}.",
                hint="Both are PEM files; the key has no password and belongs to the certificate.",
            ) from error
        context.set_alpn_protocols(["http/1.1"])
        return context


def _no_password() -> str:
    raise ValueError("the key is protected by a password")
