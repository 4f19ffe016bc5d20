"""A way for Docker to reach a server of ours.

The tests' Docker daemon lives in a network namespace of its own, where the machine's loopback is
another one. A small process listens there and passes on to here: a socket belongs to the namespace
in which it was opened, whatever namespace its process is in.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.images.docker import Docker
from tests.support.servers.server_process import ServerProcess

_FORWARDER = Path(__file__).with_name("forwarder.py")


@contextmanager
def reachable(server: ServerProcess, docker: Docker) -> Iterator[str]:
    """Let the daemon reach the server at the address that is yielded, the server's own."""
    pid = (docker.socket.parent / "pid").read_text().strip()
    with subprocess.Popen(
        [sys.executable, _FORWARDER, str(server.port), pid], stdout=subprocess.PIPE
    ) as forwarder:
        assert forwarder.stdout is not None
        try:
            assert forwarder.stdout.readline() == b"ready\n"
            yield f"127.0.0.1:{server.port}"
        finally:
            forwarder.terminate()
