"""Which proxy leads to a server, as the environment (or, on some systems, the settings) says."""

from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from au2.client.address import Address
from au2.domain.errors import InvalidRequest


class Proxy(NamedTuple):
    """An HTTP proxy."""

    host: str
    port: int
    authorization: str | None = None
    """Value of ``Proxy-Authorization``, where its URL holds a user name."""


def find_proxy(address: Address, environment: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for ``address``, or None. A server on this machine is always met directly.

    ``urllib.request`` knows the rules of ``NO_PROXY``, but takes as long to import as all the rest
    of a command, so it is asked only when a proxy is set at all.
    """
    names = {f"{address.scheme}_proxy", "all_proxy"}
    if address.is_loopback or not any(name.lower() in names for name in environment):
        return None
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - slow, see above

    proxies = getproxies()
    url = proxies.get(address.scheme) or proxies.get("all")
    if not url or proxy_bypass(f"{address.host}:{address.port}"):
        return None
    return _parse_proxy(url)


def _parse_proxy(url: str) -> Proxy:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme != "http":
        raise InvalidRequest(f"The proxy '{url}' cannot be used: only http:// proxies are known.")
    if parts.username is None:
        return Proxy(host, port or 80)
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return Proxy(host, port or 80, f"Basic {b64encode(pair.encode()).decode('ascii')}")
