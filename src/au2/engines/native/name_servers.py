"""Which name servers containers ask."""

import ipaddress
from collections.abc import Sequence
from pathlib import Path

_FILES = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))
_MOST = 3
"""As many as the C library asks."""


def find_name_servers(configured: Sequence[str], files: Sequence[Path] = _FILES) -> tuple[str, ...]:
    """Return the configured servers, else those of the host that a container can reach.

    A server on the host's loopback is nothing to a container; where the host has only such a
    one, the next file (systemd-resolved's list of the real servers) is looked into.
    """
    if configured:
        return tuple(configured[:_MOST])
    for file in files:
        try:
            found = parse_name_servers(file.read_text("utf-8", "replace"))
        except OSError:
            continue
        if found:
            return found[:_MOST]
    return ()


def parse_name_servers(text: str) -> tuple[str, ...]:
    """Return the IPv4 servers of a ``resolv.conf`` that are not loopback addresses. Pure."""
    found: dict[str, None] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                address = ipaddress.IPv4Address(words[1])
            except ValueError:
                continue
            if not address.is_loopback and not address.is_unspecified:
                found[str(address)] = None
    return tuple(found)


def format_name_servers(servers: Sequence[str]) -> str:
    """Return a ``resolv.conf``. Pure."""
    return "".join(f"nameserver {server}\n" for server in servers)
