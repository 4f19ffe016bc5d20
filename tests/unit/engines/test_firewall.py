"""Rules of the packet filter, and which network is taken."""

import ipaddress

import pytest

from au2.domain.errors import Unsupported
from au2.engines.native.firewall import Firewall
from au2.engines.native.network import choose_network

NETWORK = ipaddress.IPv4Network("10.200.16.0/20")


def make(**changes: tuple[str, ...]) -> Firewall:
    values: dict[str, tuple[str, ...]] = {"name_servers": ("10.0.0.53",), "allowed_networks": ()}
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
    allowed, blocked = text.index("@allowed accept"), text.index("@blocked reject")
    assert text.index('oifname "au20123456789" drop') < allowed < blocked


def test_an_empty_set_has_no_elements() -> None:
    assert "elements = {  }" not in make(name_servers=()).to_text()


def test_the_mark_tells_rules_apart() -> None:
    marks = {make().mark, make(name_servers=()).mark, make(allowed_networks=("10.0.0.0/8",)).mark}
    assert len(marks) == 3
    assert make().mark == make().mark
    assert make().mark in make().to_text()


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
