"""A proxy whose server goes away for a while: it answers for it, as proxies do, with 502."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PIECE_BYTES = 64 << 10
_BODY = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
_ANSWER = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)


class FailingProxy:
    """Passes connections on to a server on loopback, until ``goes_away`` says so of what is sent.

    That request is answered with 502, and so are the next ones, ``outage`` in all; then the server
    is back.
    """

    def __init__(self, port: int, goes_away: Callable[[bytes], bool], outage: int) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.refused = 0
        """How many requests were answered with 502."""
        self._port = port
        self._goes_away = goes_away
        self._left = 0
        self._outage = outage
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        """Take connections until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve_one, args=(client,), daemon=True).start()

    def _serve_one(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._port))
        with client, server, contextlib.suppress(OSError):
            threading.Thread(target=_pass_on, args=(server, client), daemon=True).start()
            while data := client.recv(_PIECE_BYTES):
                if self._is_away(data):
                    # Closing alone would do nothing as long as the other thread reads from it.
                    server.shutdown(socket.SHUT_RDWR)
                    _refuse(client)
                    return
                server.sendall(data)

    def _is_away(self, data: bytes) -> bool:
        with self._lock:
            if self._outage and self._goes_away(data):
                self._left, self._outage = self._outage, 0
            if not self._left:
                return False
            self._left -= 1
            self.refused += 1
            return True


def _pass_on(server: socket.socket, client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := server.recv(_PIECE_BYTES):
            client.sendall(data)


def _refuse(client: socket.socket) -> None:
    """Answer, and read what is still sent: who hangs up on it takes the answer back."""
    client.sendall(_ANSWER)
    client.shutdown(socket.SHUT_WR)
    while client.recv(_PIECE_BYTES):
        pass


@contextmanager
def failing_proxy(
    port: int, goes_away: Callable[[bytes], bool], *, outage: int
) -> Iterator[FailingProxy]:
    """Run one while the block does."""
    proxy = FailingProxy(port, goes_away, outage)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.listener.shutdown(socket.SHUT_RDWR)
        proxy.listener.close()
        thread.join()
