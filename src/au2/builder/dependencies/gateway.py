"""The only way out of a build container: HTTP on its loopback, answered by the platform.

Whoever speaks in there may be hostile: requests are few in kind, and short.
"""

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import BoundedSemaphore, Thread
from typing import Any, BinaryIO, NamedTuple, Protocol
from urllib.parse import unquote

from au2.builder.dependencies.bodies import BadBody, Body, chunked_body, sized_body
from au2.domain.errors import Au2Error

PORT = 8077
ADDRESS = f"http://127.0.0.1:{PORT}"
_CONNECTIONS = 128
_IDLE_SECONDS = 120.0
_PATH_CHARACTERS = 2_000


class Answer(NamedTuple):
    """What is sent back."""

    body: bytes | Path | BinaryIO
    content_type: str = "application/octet-stream"
    size_bytes: int | None = None
    """Of a stream."""


class Routes(Protocol):
    """What a gateway offers. Called from several threads."""

    def get(self, path: str) -> Answer | None:
        """Return what is at a path (decoded, without query); None: nothing. Raises Au2Error."""
        ...

    def put(self, path: str, body: Body) -> bool:
        """Take what is sent; False: nothing is taken there. Raises Au2Error."""
        ...


@contextmanager
def serve(listener: socket.socket, routes: Routes) -> Iterator[None]:
    """Answer what comes in while the block runs."""
    server = _Server(listener, routes)
    thread = Thread(target=server.serve_forever, args=(0.05,), name="gateway", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: socket.socket, routes: Routes) -> None:
        super().__init__(("127.0.0.1", PORT), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.routes = routes
        self.places = BoundedSemaphore(_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a thread for a connection, unless there are too many already."""
        if self.places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer on one connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.places.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """A broken connection is the container's own affair."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    server: _Server

    def do_GET(self) -> None:
        try:
            answer = self.server.routes.get(self._asked_path())
        except Au2Error as error:
            self._refuse(HTTPStatus.BAD_GATEWAY, error.message)
            return
        if answer is None:
            self._refuse(HTTPStatus.NOT_FOUND, "not found")
        else:
            self._send(answer)

    do_HEAD = do_GET  # noqa: N815 - the base class's name

    def do_PUT(self) -> None:
        # Whatever is wrong, what follows on this connection can't be told from the body.
        self.close_connection = True
        try:
            taken = self.server.routes.put(self._asked_path(), self._body())
        except BadBody as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
        except Au2Error as error:
            self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, error.message)
        else:
            self._send(Answer(b"")) if taken else self._refuse(HTTPStatus.NOT_FOUND, "not found")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
        """Say nothing: what matters is told by the routes."""

    def _asked_path(self) -> str:
        return unquote(self.path.partition("?")[0][:_PATH_CHARACTERS], errors="replace")

    def _body(self) -> Body:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return chunked_body(self.rfile)
        return sized_body(self.rfile, self.headers.get("Content-Length", ""))

    def _send(self, answer: Answer) -> None:
        if isinstance(answer.body, bytes):
            self._begin(answer.content_type, len(answer.body))
            self.wfile.write(b"" if self.command == "HEAD" else answer.body)
            return
        stream = answer.body.open("rb") if isinstance(answer.body, Path) else answer.body
        with stream:
            size_bytes = answer.size_bytes
            if isinstance(answer.body, Path):
                size_bytes = answer.body.stat().st_size
            self._begin(answer.content_type, size_bytes or 0)
            if self.command == "HEAD":
                return
            if isinstance(answer.body, Path):
                self.wfile.flush()
                self.connection.sendfile(stream)
            else:
                shutil.copyfileobj(stream, self.wfile, 1 << 20)

    def _begin(self, content_type: str, size_bytes: int) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(size_bytes))
        # While one container lives, everything stays as it is.
        self.send_header("Cache-Control", "max-age=86400")
        self.end_headers()

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        data = message.encode("utf-8", "replace")
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else data)
