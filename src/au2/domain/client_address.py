"""Grouping of network addresses by client."""

import ipaddress

_IPV6_PREFIX = 64
"""A customer has a network of at least this size (RFC 6177), so single addresses don't count."""


def client_of_address(address: str) -> str:
    """Return the key of a client: the IPv4 address, or the IPv6 network of 64 bits.

    Other text (a proxy may forward any) is returned unchanged.
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
