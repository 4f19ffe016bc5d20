"""Handing out the containers' network addresses: one link per address, so it survives restarts."""

import hashlib
import ipaddress
from pathlib import Path

from au2.domain.errors import EngineFailure


class AddressBook:
    """Addresses of one IPv4 network, safe for several processes at once."""

    def __init__(self, folder: Path, network: ipaddress.IPv4Network) -> None:
        self._folder = folder
        self._network = network

    @property
    def gateway(self) -> str:
        """The host's own address there."""
        return str(self._network[1])

    def take(self, container_id: str) -> str:
        """Return a free address, now the container's.

        Where the search begins hangs on the container, so an address just given back is not
        taken at once.
        """
        self._folder.mkdir(mode=0o700, exist_ok=True)
        first, count = 2, self._network.num_addresses - 3
        begin = int.from_bytes(hashlib.sha256(container_id.encode()).digest()[:8], "big")
        for step in range(count):
            address = str(self._network[first + (begin + step) % count])
            # A link is made at once with what it says; it leads nowhere.
            try:
                (self._folder / address).symlink_to(container_id)
            except FileExistsError:
                continue
            return address
        raise EngineFailure(f"all addresses of {self._network} are in use")

    def give_back(self, container_id: str) -> None:
        """Free the container's addresses."""
        if self._folder.is_dir():
            for entry in self._folder.iterdir():
                if _owner(entry) == container_id:
                    entry.unlink(missing_ok=True)


def _owner(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except OSError:
        return ""
