"""What an operator may change about the native engine."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NativeOptions:
    """Settings of the native engine. Plain data; the defaults suit one server on one machine."""

    id_base: int = 1 << 20
    """Host id that is user 0 inside containers. Unpacked layers are kept shifted by it."""
    id_count: int = 1 << 31
    """How many ids a container has: any that an image may use."""
    containers: int = 16
    """How many run at a time, as far as is known: what the host's limits are judged by."""
    subnet: str | None = None
    """IPv4 network of the containers (CIDR); None takes a private one that is free."""
    allowed_networks: tuple[str, ...] = ()
    """Private IPv4 networks (CIDR) that containers may reach all the same."""
    connections: int = 4096
    """Most connections (TCP, UDP, ICMP) of a container to others at a time; 0: any number."""
    dns_servers: tuple[str, ...] = ()
    """IPv4 name servers of the containers; empty takes the host's."""
    dns_search: tuple[str, ...] = ()
    """Domains that names are looked for in; empty takes the host's, ``.`` none."""
    dns_options: tuple[str, ...] = ()
    """``options`` of ``resolv.conf``, like ``ndots:5``; empty takes the host's."""
    open_files: int = 1 << 19
    """Hard limit of open files of a process; the soft one is 1024, as on a usual system."""
    create_timeout_seconds: float = 120.0
    """After this the OCI runtime is taken to hang."""
    runtime_command: str = "runc"
    monitor_command: str = "conmon"
