"""Where the server listens."""

import ipaddress
import re
from dataclasses import dataclass

_LISTEN = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^:\[\]]+)):(\d{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """An IP address and a port; port 0 asks the kernel for a free one."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(self.host).is_loopback

    def __str__(self) -> str:
        """``127.0.0.1:8080`` or ``[::1]:8080``; inverse of :func:`parse_listen_address`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen_address(text: str) -> ListenAddress:
    """Return the address of ``HOST:PORT``; HOST is an IP address (IPv6 in brackets) or localhost.

    Raises:
        ValueError: it is no such thing.
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
