"""Readers who begin to take an answer and stop, and what a server of this process keeps open."""

import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit


def begin_reading(address: str, path: str, headers: Mapping[str, str]) -> socket.socket:
    """Ask for ``path``, take the beginning of the answer, and no more of it."""
    parts = urlsplit(address)
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect((parts.hostname, parts.port))
    lines = [f"GET {path} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    reader.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    assert reader.recv(100).startswith(b"HTTP/1.1 20")
    return reader


def open_files(folder: Path) -> int:
    """How many files below ``folder`` this process has open."""
    count = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            count += descriptor.readlink().is_relative_to(folder)
        except FileNotFoundError:
            continue  # The folder's own descriptor.
    return count
