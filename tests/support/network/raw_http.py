"""HTTP as bytes over a socket: what no well-behaved client sends."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

PATIENCE_SECONDS = 60.0


@contextmanager
def connected(address: str) -> Iterator[socket.socket]:
    """A connection to the server at this URL."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), PATIENCE_SECONDS) as connection:
        yield connection


def read_all(connection: socket.socket) -> bytes:
    """Everything up to the end of the connection, however that comes."""
    found = b""
    try:
        while part := connection.recv(65536):
            found += part
    except ConnectionResetError:
        pass
    return found


def read_head(connection: socket.socket) -> bytes:
    """An answer's status line and headers (and what of its body came with them)."""
    found = b""
    while b"\r\n\r\n" not in found:
        part = connection.recv(65536)
        if not part:
            return found
        found += part
    return found


def read_answer(connection: socket.socket) -> bytes:
    """A whole answer with a Content-Length, so that the next one can be read after it."""
    found = read_head(connection)
    head, _, body = found.partition(b"\r\n\r\n")
    fields = [line.lower().partition(b":") for line in head.split(b"\r\n")[1:]]
    size = next(int(value) for name, _, value in fields if name == b"content-length")
    while len(body) < size:
        part = connection.recv(size - len(body))
        assert part, "the connection ended inside the body"
        found, body = found + part, body + part
    return found


def status_of(answer: bytes) -> int | None:
    """The status of an answer; None: there is none."""
    words = answer.split(b" ", 2)
    return int(words[1]) if len(words) > 2 and words[0].startswith(b"HTTP/") else None


def exchange(address: str, *pieces: bytes) -> bytes:
    """Send these bytes, whatever becomes of them, and return all that is answered."""
    with connected(address) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return read_all(connection)
