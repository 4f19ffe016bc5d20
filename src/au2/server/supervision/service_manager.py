"""Messages to the service manager that started the server (sd_notify(3)): ready, stopping.

Without systemd, or in a unit that is not of ``Type=notify``, there is no address and nothing is
sent.
"""

import logging
import os
import socket

_VARIABLE = "NOTIFY_SOCKET"
logger = logging.getLogger(__name__)


class ServiceManager:
    """The service manager's socket, if there is one."""

    def __init__(self, address: str | None) -> None:
        """``address``: path of the socket; a first ``@`` stands for the abstract namespace."""
        self._address = address

    def tell(self, state: str) -> None:
        """Send a state, like ``READY=1``. A failure is logged: it must not end a server."""
        if not self._address:
            return
        target = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.sendto(state.encode(), target)
        except OSError as error:
            logger.warning("the service manager can't be told '%s': %s", state, error.strerror)


def take_service_manager() -> ServiceManager:
    """Return the service manager, and remove its address from the environment.

    Children must not see the address: runc would give the socket to containers.
    """
    return ServiceManager(os.environ.pop(_VARIABLE, None))
