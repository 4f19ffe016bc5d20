"""Network of containers: a bridge, virtual cards, addresses, and a way to the internet only."""

import errno
import fcntl
import hashlib
import ipaddress
import json
import math
import os
import socket
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from au2.domain.errors import Conflict, EngineFailure, Unsupported
from au2.engines.native.host.system import as_engine_failure, closing, enter_network, run_tool
from au2.engines.native.lifecycle.record import ProcessIdentity, is_alive
from au2.engines.native.network.firewall import Firewall, allow_forwarding, forget_forwarding
from au2.engines.native.network.resolver import ResolverConfig, find_resolver
from au2.engines.native.options import NativeOptions

_CARDS = Path("/sys/class/net")
_SETTINGS = Path("/proc/sys/net")
_POOL = ipaddress.IPv4Network("10.192.0.0/11")
_PREFIX_LENGTH = 20
_FOREIGN_RULES_SECONDS = 30.0
"""Interval of looking at the host's other packet filter: Docker may be started after us."""
_BACKLOG = 128


@dataclass(frozen=True, slots=True)
class AddressBook:
    """Addresses of one IPv4 network, safe for several processes at once."""

    folder: Path
    network: ipaddress.IPv4Network

    def take(self, container_id: str) -> str:
        """Return a free address, now the container's.

        Where the search begins hangs on the container, so an address just given back is not
        taken at once.
        """
        self.folder.mkdir(mode=0o700, exist_ok=True)
        first, count = 2, self.network.num_addresses - 3
        begin = int.from_bytes(hashlib.sha256(container_id.encode()).digest()[:8], "big")
        for step in range(count):
            address = str(self.network[first + (begin + step) % count])
            # A link is made at once with what it says; it leads nowhere.
            try:
                (self.folder / address).symlink_to(container_id)
            except FileExistsError:
                continue
            return address
        raise EngineFailure(f"all addresses of {self.network} are in use")

    def give_back(self, container_id: str) -> None:
        """Free the container's addresses."""
        if self.folder.is_dir():
            for entry in self.folder.iterdir():
                if _owner(entry) == container_id:
                    entry.unlink(missing_ok=True)


@dataclass(slots=True)
class ContainerNetwork:
    """Network of one installation. Safe for threads and processes."""

    folder: Path
    instance: str
    options: NativeOptions
    _foreign_rules_checked_at: float = field(default=-math.inf, init=False)

    @property
    def bridge(self) -> str:
        """Name of the bridge (at most 15 characters)."""
        return f"au2{self.instance[:10]}"

    def resolver(self) -> ResolverConfig:
        """Return the name resolution of containers."""
        return find_resolver(self.options)

    def ensure(self) -> None:
        """Set up the bridge and the packet filter, or repair them.

        Called before every container with a network: the host's rules may have been reloaded.
        """
        with as_engine_failure("set up the network"), self._locked():
            network = self._ensure_bridge()
            self._ensure_firewall(network)

    def take_address(self, container_id: str) -> str:
        """Return an address for a container."""
        return self._addresses().take(container_id)

    def attach(self, container_id: str, pid: int, address: str) -> None:
        """Give the network namespace of the process ``pid`` a card with ``address``."""
        card, network = self._card(container_id), self._network()
        run_tool(
            ["ip", "-batch", "-"],
            given=f"link add {card} type veth peer name eth0 netns {pid}\n"
            f"link set {card} master {self.bridge}\n"
            f"link set {card} type bridge_slave isolated on\n"
            f"link set {card} up\n",
        )
        # Between an isolated port and another there is no way at all, whatever the packets say.
        if (_CARDS / card / "brport" / "isolated").read_text().strip() != "1":
            raise EngineFailure("the container's network card could not be isolated")
        run_tool(
            ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-batch", "-"],
            # No neighbour but the gateway: all networks share one table of neighbours.
            given=f"address add {address}/32 dev eth0\n"
            "link set eth0 up\n"
            f"route add {network[1]} dev eth0 scope link\n"
            f"route add default via {network[1]}\n",
        )

    def detach(self, container_id: str) -> None:
        """Remove a container's card and free its address."""
        card = self._card(container_id)
        if (_CARDS / card).exists():
            # The kernel may be removing it at this moment, together with the namespace.
            with suppress(EngineFailure):
                run_tool(["ip", "link", "delete", card])
        if self._chosen.exists():
            self._addresses().give_back(container_id)

    def remove(self) -> None:
        """Remove the bridge and the packet filter."""
        with suppress(EngineFailure, Unsupported):
            forget_forwarding(self.bridge)
        with suppress(EngineFailure, Unsupported):
            run_tool(["nft", "delete", "table", "inet", f"au2_{self.instance}"])
        if (_CARDS / self.bridge).exists():
            run_tool(["ip", "link", "delete", self.bridge])

    @property
    def _chosen(self) -> Path:
        return self.folder / "subnet"

    def _card(self, container_id: str) -> str:
        """Return the name of a container's card on the host (at most 15 characters)."""
        name = hashlib.sha256(f"{self.instance}/{container_id}".encode()).hexdigest()
        return f"au2v{name[:11]}"

    def _network(self) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network(self._chosen.read_text("ascii"))

    def _addresses(self) -> AddressBook:
        return AddressBook(self.folder / "addresses", self._network())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _ensure_bridge(self) -> ipaddress.IPv4Network:
        if (_CARDS / self.bridge).exists() and self._chosen.exists():
            return self._network()
        network = self._choose_network()
        if not (_CARDS / self.bridge).exists():
            run_tool(["ip", "link", "add", self.bridge, "type", "bridge"])
        # Without IPv6 there is no second way that would have to be guarded.
        _write_setting(f"ipv6/conf/{self.bridge}/disable_ipv6", "1")
        run_tool(
            ["ip", "-batch", "-"],
            given=f"address replace {network[1]}/{network.prefixlen} dev {self.bridge}\n"
            f"link set {self.bridge} up\n",
        )
        _write_setting("ipv4/ip_forward", "1")
        self._chosen.write_text(str(network), "ascii")
        return network

    def _choose_network(self) -> ipaddress.IPv4Network:
        if self.options.subnet is not None:
            return ipaddress.IPv4Network(self.options.subnet)
        if self._chosen.exists():
            return self._network()
        routes = json.loads(run_tool(["ip", "-json", "-4", "route", "show", "table", "all"]))
        destinations = (route.get("dst") for route in routes)
        used = (
            ipaddress.IPv4Network(destination, strict=False)
            for destination in destinations
            if destination not in (None, "default")
        )
        return choose_network(self.instance, used)

    def _ensure_firewall(self, network: ipaddress.IPv4Network) -> None:
        firewall = Firewall(
            instance=self.instance,
            bridge=self.bridge,
            network=network,
            name_servers=self.resolver().servers,
            allowed_networks=self.options.allowed_networks,
            connections=self.options.connections,
        )
        try:
            run_tool(["nft", "list", "chain", "inet", firewall.table, firewall.mark])
        except EngineFailure:
            run_tool(["nft", "-f", "-"], given=firewall.to_text())
        if time.monotonic() - self._foreign_rules_checked_at > _FOREIGN_RULES_SECONDS:
            allow_forwarding(self.bridge)
            self._foreign_rules_checked_at = time.monotonic()


def choose_network(instance: str, used: Iterable[ipaddress.IPv4Network]) -> ipaddress.IPv4Network:
    """Return an unused private network; stable for an instance. Pure.

    Raises:
        Unsupported: all are in use.
    """
    taken = list(used)
    candidates = list(_POOL.subnets(new_prefix=_PREFIX_LENGTH))
    begin = int(instance, 16) % len(candidates)
    for candidate in candidates[begin:] + candidates[:begin]:
        if not any(candidate.overlaps(network) for network in taken):
            return candidate
    raise Unsupported("no private network is free for containers; set one in the settings")


def _write_setting(name: str, value: str) -> None:
    setting = _SETTINGS / name
    if setting.exists() and setting.read_text().strip() != value:
        setting.write_text(value)


def _owner(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except OSError:
        return ""


def listen_inside(process: ProcessIdentity, port: int) -> socket.socket:
    """Return a TCP socket that listens on 127.0.0.1:``port`` of the network of ``process``.

    Raises:
        Conflict: the port is taken there.
        EngineFailure, OSError: the process has ended.
    """
    with closing(os.open(f"/proc/{process.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)) as network:
        # Only now can the number not have come to mean another process.
        if not is_alive(process):
            raise EngineFailure("the container has ended")
        # A thread of its own: it enters that network, and does not live long enough to be used for
        # anything else. A socket stays in the network that it was made in.
        with ThreadPoolExecutor(1, "listen") as thread:
            return thread.submit(_listen, network, port).result()


def _listen(network: int, port: int) -> socket.socket:
    enter_network(network)
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        made.bind(("127.0.0.1", port))
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            raise Conflict(f"the container's port {port} is taken") from error
        raise
    return made
