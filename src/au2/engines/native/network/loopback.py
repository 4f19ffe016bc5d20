"""Listening socket on a container's loopback, with every network setting."""

import errno
import os
import socket
from concurrent.futures import ThreadPoolExecutor

from au2.domain.errors import Conflict, EngineFailure
from au2.engines.native.host.system_calls import enter_network
from au2.engines.native.lifecycle.record import ProcessIdentity, is_alive

_BACKLOG = 128


def listen_inside(process: ProcessIdentity, port: int) -> socket.socket:
    """Return a TCP socket that listens on 127.0.0.1:``port`` of the network of ``process``.

    Raises:
        Conflict: the port is taken there.
        EngineFailure, OSError: there is no such process any more.
    """
    network = os.open(f"/proc/{process.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Only now can the number not have come to mean another process.
        if not is_alive(process):
            raise EngineFailure("the container has ended")
        # A thread of its own: it enters that network, and does not live long enough to be used for
        # anything else. A socket stays in the network that it was made in.
        with ThreadPoolExecutor(1, "listen") as thread:
            return thread.submit(_listen, network, port).result()
    finally:
        os.close(network)


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
