"""Options of the native engine, set by the operator."""

from dataclasses import dataclass

_ID_COUNT = 1 << 31


@dataclass(frozen=True, slots=True)
class NativeOptions:
    """Settings of the native engine. Plain data; the defaults suit one server on one machine."""

    id_base: int = 1 << 20
    """Host id that is user 0 inside containers. Unpacked layers are kept shifted by it."""
    id_count: int = _ID_COUNT
    """Number of ids of a container: any id that an image may use."""
    owner_count: int = 1 << 20
    """Number of further ids, one for each user namespace (:mod:`.user_namespace`)."""
    containers: int = 16
    """Expected number of concurrent containers, for the check of the host's limits."""
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
    """After this time the OCI runtime counts as hanging."""
    runtime_command: str = "runc"
    monitor_command: str = "conmon"

    @property
    def last_host_id(self) -> int:
        """The last host id of containers."""
        return self.id_base + self.id_count + self.owner_count - 1

    @property
    def layers_name(self) -> str:
        """Name of the folder with the layers unpacked for these ids."""
        return (
            str(self.id_base) if self.id_count == _ID_COUNT else f"{self.id_base}-{self.id_count}"
        )
