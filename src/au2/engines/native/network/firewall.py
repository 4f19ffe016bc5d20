"""Packet filter around the containers' bridge, for ``nft``, and additions to iptables."""

import hashlib
import ipaddress
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from au2.domain.errors import EngineFailure
from au2.engines.native.host.system import run_tool

BLOCKED = (
    "0.0.0.0/8",  # this network
    "10.0.0.0/8",  # private
    "100.64.0.0/10",  # carriers' private
    "127.0.0.0/8",  # loopback
    "168.63.129.16/32",  # Azure's channel between host and guest: public by its number only
    "169.254.0.0/16",  # link-local, and the clouds' metadata
    "172.16.0.0/12",  # private
    "192.0.0.0/24",  # protocol assignments
    "192.0.2.0/24",  # documentation
    "192.88.99.0/24",  # relays to IPv6 (6to4), given up
    "192.168.0.0/16",  # private
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, and broadcast
)
"""Addresses outside the internet: the entries of IANA's registry of special-purpose IPv4 addresses
(RFC 6890) that are not globally reachable, multicast, and one more. The host's own addresses are
barred anyway. IPv6 is dropped as a whole, so addresses that hold an IPv4 address (6to4, NAT64,
Teredo) lead nowhere."""
_MOST_COUNTED = 1 << 20
_IPTABLES = ("iptables", "--wait")


@dataclass(frozen=True, slots=True)
class Firewall:
    """Packet filter of one installation, which defines the reachable networks."""

    instance: str
    bridge: str
    network: ipaddress.IPv4Network
    name_servers: tuple[str, ...]
    allowed_networks: tuple[str, ...]
    connections: int
    """Most connections of a container at a time; 0: any number."""

    @property
    def table(self) -> str:
        """Name of the table, ours alone."""
        return f"au2_{self.instance}"

    @property
    def mark(self) -> str:
        """Name of an empty chain, computed from the rules: present while they are in force."""
        return "rules_" + hashlib.sha256(self._rules().encode()).hexdigest()[:16]

    def to_text(self) -> str:
        """Return the rules; ``nft -f`` puts them in place of older ones at once or not at all."""
        return (
            f"table inet {self.table} {{\n}}\n"
            f"delete table inet {self.table}\n"
            f"table inet {self.table} {{\n"
            f"{self._rules()}"
            f"  chain {self.mark} {{\n  }}\n"
            "}\n"
        )

    def _rules(self) -> str:
        bridge = f'"{self.bridge}"'
        return f"""\
{_set("name_servers", self.name_servers)}\
{_set("allowed", self.allowed_networks)}\
{_set("blocked", BLOCKED)}\
{self._counters()}\
  chain input {{
    type filter hook input priority filter - 10; policy accept;
    iifname != {bridge} accept
    ip saddr != {self.network} drop
    ip daddr @name_servers meta l4proto {{ tcp, udp }} th dport 53 goto counted
    drop
  }}
  chain forward {{
    type filter hook forward priority filter - 10; policy accept;
    iifname {bridge} oifname {bridge} drop
    iifname {bridge} jump outgoing
    oifname {bridge} ct state established,related accept
    oifname {bridge} drop
  }}
  chain outgoing {{
    meta nfproto != ipv4 drop
    ip saddr != {self.network} drop
    ip daddr @name_servers meta l4proto {{ tcp, udp }} th dport 53 goto counted
    ip daddr @allowed goto counted
    ip daddr @blocked reject with icmpx type admin-prohibited
    goto counted
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {self.network} oifname != {bridge} masquerade
  }}
"""

    def _counters(self) -> str:
        """Return the chain that refuses new connections above the limit.

        The kernel's table of connections is one for the whole host.
        """
        if not self.connections:
            return "  chain counted {\n    accept\n  }\n"
        size = min(self.network.num_addresses, _MOST_COUNTED)
        too_many = f"add @connections {{ ip saddr ct count over {self.connections} }}"
        return (
            f"  set connections {{\n    type ipv4_addr\n    size {size}\n    flags dynamic\n  }}\n"
            "  chain counted {\n"
            f"    ct state new {too_many} reject with icmpx type admin-prohibited\n"
            "    accept\n  }\n"
        )


def _set(name: str, elements: Sequence[str]) -> str:
    networks = ipaddress.collapse_addresses(
        ipaddress.IPv4Network(element, strict=False) for element in elements
    )
    listed = ", ".join(str(network) for network in networks)
    content = f"    elements = {{ {listed} }}\n" if listed else ""
    return f"  set {name} {{\n    type ipv4_addr\n    flags interval\n{content}  }}\n"


def allow_forwarding(bridge: str) -> None:
    """Let packets of the bridge pass where iptables drops by default.

    Ours are filtered before (:mod:`.firewall`): to be let pass here opens nothing.
    """
    chain = _find_chain()
    if chain is not None:
        for rule in _rules(bridge):
            if not _succeeds("--check", chain, *rule):
                run_tool([*_IPTABLES, "--insert", chain, *rule])


def forget_forwarding(bridge: str) -> None:
    """Remove the rules of :func:`allow_forwarding`."""
    if shutil.which(_IPTABLES[0]):
        for chain in ("DOCKER-USER", "FORWARD"):
            for rule in _rules(bridge):
                with suppress(EngineFailure):
                    run_tool([*_IPTABLES, "--delete", chain, *rule])


def _find_chain() -> str | None:
    """Return the chain to add to: Docker's chain for other programs, or a chain that drops."""
    if not shutil.which(_IPTABLES[0]):
        return None
    if _succeeds("--list-rules", "DOCKER-USER"):
        return "DOCKER-USER"
    try:
        policy = run_tool([*_IPTABLES, "--list-rules", "FORWARD"])
    except EngineFailure:
        return None  # Installed, but not of use on this kernel: then nothing is dropped by it.
    return "FORWARD" if "-P FORWARD DROP" in policy else None


def _rules(bridge: str) -> tuple[tuple[str, ...], ...]:
    answers = ("-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED")
    return (("-i", bridge, "-j", "ACCEPT"), ("-o", bridge, *answers, "-j", "ACCEPT"))


def _succeeds(*arguments: str) -> bool:
    try:
        run_tool([*_IPTABLES, *arguments])
    except EngineFailure:
        return False
    return True
