"""Which network addresses count as one client."""

import ipaddress

_IPV6_PREFIX = 64
"""One customer has a network of this size at least (RFC 6177), so an address of it says nothing."""


def client_of_address(address: str) -> str:
    """Return what to count a client by: its IPv4 address, or its IPv6 network of 64 bits.

    What is no address (a proxy may forward any text) is returned as it is.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed), _IPV6_PREFIX), strict=False))
