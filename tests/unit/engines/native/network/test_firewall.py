"""Rules of the packet filter, and which network is taken."""

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import Unsupported
from au2.engines.native.network.bridge import choose_network
from au2.engines.native.network.firewall import BLOCKED, Firewall

NETWORK = ipaddress.IPv4Network("10.200.16.0/20")


def make(**changes: Any) -> Firewall:
    values: dict[str, Any] = {"name_servers": ("10.0.0.53",), "allowed_networks": ()}
    values["connections"] = 100
    return Firewall(
        instance="0123456789ab", bridge="au20123456789", network=NETWORK, **{**values, **changes}
    )


def test_the_text_replaces_the_table_at_once() -> None:
    text = make().to_text()
    assert text.startswith("table inet au2_0123456789ab {\n}\ndelete table inet au2_0123456789ab\n")
    assert 'iifname "au20123456789" oifname "au20123456789" drop' in text
    assert "elements = { 10.0.0.53/32 }" in text
    assert "169.254.0.0/16" in text
    assert "168.63.129.16/32" in text
    assert 'ip saddr 10.200.16.0/20 oifname != "au20123456789" masquerade' in text


def test_what_is_decided_first() -> None:
    text = make(allowed_networks=("10.1.0.0/16", "10.1.2.0/24")).to_text()
    assert "elements = { 10.1.0.0/16 }" in text  # Overlapping ones would be refused.
    allowed, blocked = text.index("@allowed goto counted"), text.index("@blocked reject")
    assert text.index('oifname "au20123456789" drop') < allowed < blocked


def test_an_empty_set_has_no_elements() -> None:
    assert "elements = {  }" not in make(name_servers=()).to_text()


def test_the_mark_tells_rules_apart() -> None:
    marks = {make().mark, make(name_servers=()).mark, make(allowed_networks=("10.0.0.0/8",)).mark}
    assert len(marks | {make(connections=0).mark, make(connections=7).mark}) == 5
    assert make().mark == make().mark
    assert make().mark in make().to_text()


def test_connections_are_counted_unless_any_number_may_be() -> None:
    assert "ct count over 100 }" in make().to_text()
    assert "size 4096" in make().to_text()  # The addresses of the network.
    unlimited = make(connections=0).to_text()
    assert "ct count" not in unlimited
    assert "chain counted {\n    accept\n  }" in unlimited


NOT_REACHABLE = (
    *("0.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.170/32"),
    *("192.0.0.171/32", "192.0.2.0/24", "192.88.99.2/32", "192.168.0.0/16", "198.18.0.0/15"),
    *("198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "255.255.255.255/32"),
)
"""The entries of IANA's registry of special-purpose addresses that are not globally reachable."""
REACHABLE = ("192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24", "8.8.8.8/32")
"""Those that are, and a usual address."""


def is_blocked(address: ipaddress.IPv4Address) -> bool:
    return any(address in ipaddress.IPv4Network(network) for network in BLOCKED)


def test_networks_that_are_not_the_internet_are_blocked() -> None:
    blocked = [ipaddress.IPv4Network(network) for network in BLOCKED]
    for text in (*NOT_REACHABLE, "192.88.99.0/24", "224.0.0.0/4"):
        network = ipaddress.IPv4Network(text)
        assert any(network.subnet_of(larger) for larger in blocked), text
    for text in REACHABLE:
        assert not any(ipaddress.IPv4Network(text).overlaps(network) for network in blocked), text


@given(st.ip_addresses(v=4))
def test_an_address_that_is_not_global_is_blocked(address: ipaddress.IPv4Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert is_blocked(address)


def test_the_network_overlaps_nothing() -> None:
    everything = [ipaddress.IPv4Network("10.192.0.0/12"), ipaddress.IPv4Network("10.208.0.0/13")]
    found = choose_network("0" * 12, everything)
    assert found.prefixlen == 20
    assert not any(found.overlaps(network) for network in everything)


def test_the_network_of_an_instance_is_always_the_same() -> None:
    assert choose_network("0123456789ab", []) == choose_network("0123456789ab", [])
    assert choose_network("000000000000", []) != choose_network("000000000001", [])


def test_no_network_is_free() -> None:
    with pytest.raises(Unsupported):
        choose_network("0" * 12, [ipaddress.IPv4Network("0.0.0.0/0")])
