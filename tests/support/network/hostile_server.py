"""A server on loopback that sends whatever bytes a test wants, for as long as they are read."""

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread

Script = Callable[[str], Iterable[bytes]]
"""``METHOD /path?query`` → the bytes of the whole answer, which may have no end."""


@dataclass(slots=True)
class HostileServer:
    """Where it is, and what it was asked, header lines and all."""

    url: str
    asked: list[bytes] = field(default_factory=list)
    sent_bytes: int = 0


@contextmanager
def hostile_server(script: Script) -> Iterator[HostileServer]:
    """Serve while the block runs; each connection gets one answer and is closed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = HostileServer(f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread = Thread(target=_serve, args=(listener, script, server), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def answer(body: bytes, *, status: str = "200 OK", media_type: str = "application/json") -> bytes:
    """Return an ordinary answer, which says that its connection is closed after it."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


def endless(
    start: bytes, piece: bytes, *, status: str = "200 OK", media_type: str = "application/json"
) -> Iterator[bytes]:
    """Yield an answer whose body begins with ``start`` and goes on with ``piece`` for ever."""
    yield f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\n\r\n".encode() + start
    block = piece * (1 + 65536 // len(piece))
    while True:
        yield block


def _serve(listener: socket.socket, script: Script, server: HostileServer) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, suppress(OSError):
            _answer(connection, script, server)


def _answer(connection: socket.socket, script: Script, server: HostileServer) -> None:
    head = b""
    while b"\r\n\r\n" not in head and (data := connection.recv(65536)):
        head += data
    server.asked.append(head)
    method, target, _ = head.decode("latin-1").split(" ", 2)
    for block in script(f"{method} {target}"):
        connection.sendall(block)
        server.sent_bytes += len(block)
    connection.shutdown(socket.SHUT_WR)
    # What was not read would make the system reset the connection, and the answer be lost.
    while connection.recv(65536):
        pass
