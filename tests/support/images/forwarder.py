"""Passes connections to a loopback port of another network namespace on to the same port here.

    python forwarder.py PORT PID-IN-THAT-NAMESPACE

Says "ready" when it listens.
"""

import contextlib
import ctypes
import os
import socket
import sys
import threading

_NETWORK = 0x40000000
"""``CLONE_NEWNET``"""


def _enter(namespace: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(namespace, _NETWORK):
        raise OSError(ctypes.get_errno(), "setns")


def _listen_inside(port: int, pid: str) -> socket.socket:
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    _enter(os.open(f"/proc/{pid}/ns/net", os.O_RDONLY))
    listener = socket.create_server(("127.0.0.1", port))
    _enter(here)
    return listener


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 18):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def main() -> None:
    """Forward until the process is ended."""
    port = int(sys.argv[1])
    listener = _listen_inside(port, sys.argv[2])
    print("ready", flush=True)
    while True:
        client, _ = listener.accept()
        server = socket.create_connection(("127.0.0.1", port))
        for pair in ((client, server), (server, client)):
            threading.Thread(target=_pass_on, args=pair, daemon=True).start()


if __name__ == "__main__":
    main()
