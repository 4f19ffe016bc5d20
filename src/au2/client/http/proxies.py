"""HTTP proxies of the environment: ``http_proxy``, ``https_proxy``, ``all_proxy``, ``no_proxy``."""

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

from au2.client.http.urls import Address, is_host
from au2.domain.errors import InvalidRequest

_HOST = re.compile(r"[!-~]+", re.ASCII)


class Proxy(NamedTuple):
    """An HTTP proxy."""

    host: str
    port: int
    authorization: str | None = None
    """Value of ``Proxy-Authorization``, where its URL holds a user name."""
    variable: str = "http_proxy"
    """Environment variable with its URL."""

    def __str__(self) -> str:
        """Return the proxy's name in messages, without its password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"the proxy http://{host}:{self.port} ({self.variable})"


def find_proxy(address: Address, environment: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for ``address``, or None. A server on this machine never has one.

    ``urllib.request`` knows the rules of ``NO_PROXY``, but takes as long to import as all the rest
    of a command, so only commands with a proxy import it.

    Raises:
        InvalidRequest: a variable names no usable proxy.
    """
    if address.is_loopback:
        return None
    variable = next(
        (
            found
            for kind in (address.scheme, "all")
            if (found := _find(f"{kind}_proxy", environment))
        ),
        None,
    )
    if variable is None or _is_exempt(address, environment):
        return None
    return _parse_proxy(environment[variable].strip(), variable)


def _find(name: str, environment: Mapping[str, str]) -> str | None:
    """Return the variable that counts: in small letters it wins, also when empty."""
    known = [found for found in environment if found.lower() == name]
    variable = name if name in known else max(known, default=None)
    return variable if variable is not None and environment[variable].strip() else None


def _is_exempt(address: Address, environment: Mapping[str, str]) -> bool:
    variable = _find("no_proxy", environment)
    if variable is None:
        return False
    # Slow, see above; typeshed leaves it out.
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # noqa: PLC0415

    place = f"{address.host}:{address.port}"
    return bool(proxy_bypass_environment(place, {"no": environment[variable]}))


def _parse_proxy(url: str, variable: str) -> Proxy:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _unusable(url, variable) from None
    if not host or parts.scheme != "http" or not (_HOST.fullmatch(host) and is_host(host)):
        raise _unusable(url, variable)
    if parts.username is None:
        return Proxy(host, port or 80, variable=variable)
    # Bytes, not text: what is escaped there may be in any encoding.
    pair = b":".join(map(unquote_to_bytes, (_encode(parts.username), _encode(parts.password))))
    return Proxy(host, port or 80, f"Basic {b64encode(pair).decode('ascii')}", variable)


def _encode(text: str | None) -> bytes:
    # A variable may hold bytes that are no UTF-8; so they are sent.
    return (text or "").encode(errors="surrogateescape")


def _unusable(url: str, variable: str) -> InvalidRequest:
    shown = url.rpartition("@")[2]
    return InvalidRequest(
        f"The proxy '{shown}', which {variable} names, cannot be used: only http:// is known.",
        hint=f"Write it like {variable}=http://proxy.example.org:3128, or unset it.",
    )
