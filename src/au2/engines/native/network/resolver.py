"""Name resolution of containers: the content of their ``/etc/resolv.conf`` (resolv.conf(5))."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from au2.engines.native.options import NativeOptions

_FILES = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))
_MOST = 3
"""As many servers as the C library asks."""
NO_SEARCH = "."
"""As the only search domain: no search, not even in the host's domains."""


@dataclass(frozen=True, slots=True)
class ResolverConfig:
    """Parsed ``resolv.conf``."""

    servers: tuple[str, ...] = ()
    """IPv4 addresses."""
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def to_text(self) -> str:
        """Return the content of the file."""
        lines = [f"nameserver {server}" for server in self.servers]
        lists = (("search", self.search), ("options", self.options))
        lines += [f"{name} {' '.join(words)}" for name, words in lists if words]
        return "".join(f"{line}\n" for line in lines)


def find_resolver(options: NativeOptions, files: Sequence[Path] = _FILES) -> ResolverConfig:
    """Return the configuration for containers: the operator's, else the host's.

    A container can't reach a server on the host's loopback; where the host has no other, the next
    file is read (systemd-resolved's list of the real servers).
    """
    host = _find_host_resolver(files)
    search = options.dns_search or host.search
    return ResolverConfig(
        (options.dns_servers or host.servers)[:_MOST],
        () if search == (NO_SEARCH,) else search,
        options.dns_options or host.options,
    )


def _find_host_resolver(files: Sequence[Path]) -> ResolverConfig:
    """Return the first configuration with servers, else the first one."""
    found = []
    for file in files:
        try:
            found.append(parse_resolver(file.read_text("utf-8", "replace")))
        except OSError:
            continue
    return next((resolver for resolver in found if resolver.servers), (*found, ResolverConfig())[0])


def parse_resolver(text: str) -> ResolverConfig:
    """Parse a ``resolv.conf``, without the servers beyond containers' reach. Pure.

    Of several lines with search domains the last one counts; options add up.
    """
    servers: dict[str, None] = {}
    search: tuple[str, ...] = ()
    options: dict[str, None] = {}
    for line in text.splitlines():
        # Only a line that begins with a mark is a comment, says the manual; a word never has one.
        name, *words = line.split() or [""]
        for position, word in enumerate(words):
            if word[0] in "#;":
                del words[position:]
                break
        if not words:
            continue
        if name == "nameserver" and (address := _parse_server(words[0])):
            servers[address] = None
        elif name == "search":
            search = tuple(words)
        elif name == "domain":
            search = (words[0],)
        elif name == "options":
            options.update(dict.fromkeys(words))
    return ResolverConfig(tuple(servers), search, tuple(options))


def _parse_server(text: str) -> str | None:
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return None
    return None if address.is_loopback or address.is_unspecified else str(address)
