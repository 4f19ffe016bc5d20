"""Gateway: an HTTP server of the platform on a build container's loopback, its only way out.

Clients may be hostile: the kinds of requests are few, and requests are short.
"""

import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from threading import BoundedSemaphore, Thread
from typing import Any, BinaryIO, NamedTuple, Protocol
from urllib.parse import unquote

from au2.domain.errors import Au2Error, EngineFailure, TooLarge

logger = logging.getLogger(__name__)

PORT = 8077
ADDRESS = f"http://127.0.0.1:{PORT}"
_CONNECTIONS = 128
_IDLE_SECONDS = 120.0
_PATH_CHARACTERS = 2_000
_CHUNK_BYTES = 1 << 20
_LINE_BYTES = 128

Body = Iterator[bytes]
"""Chunks of a body. Raises :class:`BadBody` if it is cut off."""


class BadBody(Exception):
    """The request's body is malformed or cut off."""


class GatewayResponse(NamedTuple):
    """Response of the gateway: bytes or a file."""

    body: bytes | Path
    content_type: str = "application/octet-stream"


class Routes(Protocol):
    """Resources of a gateway. Called from several threads."""

    def get(self, path: str) -> GatewayResponse | None:
        """Return the resource at a path (decoded, without query), if any. Raises Au2Error."""
        ...

    def put(self, path: str, body: Body) -> bool:
        """Receive an upload; return whether the path accepts one. Raises Au2Error."""
        ...


class GatewayErrors:
    """Errors of the platform, not of the container, while a gateway serves."""

    def __init__(self) -> None:
        self.refusal: Au2Error | None = None
        """Last error of the routes that was sent to the container."""
        self._has_fault = False

    def note(self, error: BaseException) -> None:
        """Record an error; only the first is logged."""
        if not self._has_fault:
            logger.error("the gateway of a build container failed", exc_info=error)
        self._has_fault = True

    def check(self) -> None:
        """Raise EngineFailure if an error was recorded."""
        if self._has_fault:
            raise EngineFailure(
                "the platform itself failed while it handed out packages: its own log says why.",
                hint="Upload again; if it happens again, ask your operator.",
            )


@contextmanager
def serve(listener: socket.socket, routes: Routes) -> Iterator[GatewayErrors]:
    """Answer requests while the block runs."""
    server = _Server(listener, routes)
    thread = Thread(target=server.serve_forever, args=(0.05,), name="gateway", daemon=True)
    thread.start()
    try:
        yield server.errors
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
        self.errors = GatewayErrors()
        self.connections = BoundedSemaphore(_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a connection, unless there are too many already."""
        if self.connections.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.connections.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Record everything but broken connections, which the container may cause."""
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            self.errors.note(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    server: _Server

    def do_GET(self) -> None:
        try:
            response = self.server.routes.get(self._request_path())
            file = _open(response)
        except Au2Error as error:
            self.server.errors.refusal = error
            self._refuse(HTTPStatus.BAD_GATEWAY, error.message)
        except OSError as error:
            # Nothing was sent yet, so a file of the platform can't be read.
            self.server.errors.note(error)
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "the platform failed")
        else:
            if file is not None and response is not None:
                self._send_file(file, response.content_type)
            else:
                self._send(response)

    do_HEAD = do_GET  # noqa: N815 - the base class's name

    def do_PUT(self) -> None:
        # After an error, the next request can't be told from the rest of the body.
        self.close_connection = True
        try:
            accepted = self.server.routes.put(self._request_path(), self._body())
        except BadBody as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
        except Au2Error as error:
            self.server.errors.refusal = error
            self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, error.message)
        except (ConnectionError, TimeoutError):
            raise  # Of the container.
        except OSError as error:
            self.server.errors.note(error)
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "the platform failed")
        else:
            self._send(GatewayResponse(b"") if accepted else None)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
        """Log nothing: the routes do."""

    def _request_path(self) -> str:
        return unquote(self.path.partition("?")[0][:_PATH_CHARACTERS], errors="replace")

    def _body(self) -> Body:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return chunked_body(self.rfile)
        return sized_body(self.rfile, self.headers.get("Content-Length", ""))

    def _send(self, response: GatewayResponse | None) -> None:
        if response is None or not isinstance(response.body, bytes):
            self._refuse(HTTPStatus.NOT_FOUND, "not found")
            return
        self._begin(response.content_type, len(response.body))
        self.wfile.write(b"" if self.command == "HEAD" else response.body)

    def _send_file(self, file: BinaryIO, content_type: str) -> None:
        with file:
            self._begin(content_type, os.fstat(file.fileno()).st_size)
            if self.command == "GET":
                self.wfile.flush()
                self.connection.sendfile(file)

    def _begin(self, content_type: str, size_bytes: int) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(size_bytes))
        # Nothing changes during the life of one container.
        self.send_header("Cache-Control", "max-age=86400")
        self.end_headers()

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        data = message.encode("utf-8", "replace")
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else data)


def _open(response: GatewayResponse | None) -> BinaryIO | None:
    if response is None or isinstance(response.body, bytes):
        return None
    return response.body.open("rb")


def sized_body(stream: BufferedIOBase, length: str) -> Body:
    """Yield a body with a Content-Length. Raises BadBody."""
    if not length.isdecimal() or len(length) > 18:
        raise BadBody("the request has no length")
    left = int(length)
    while left:
        chunk = stream.read(min(left, _CHUNK_BYTES))
        if not chunk:
            raise BadBody("the body is cut off")
        left -= len(chunk)
        yield chunk


def chunked_body(stream: BufferedIOBase) -> Body:
    """Yield a body with chunked transfer coding. Raises BadBody."""
    while size := _read_size(stream):
        yield from sized_body(stream, str(size))
        if stream.read(2) != b"\r\n":
            raise BadBody("the size of a chunk does not match")
    stream.readline(_LINE_BYTES)


def read_whole(body: Body, limit_bytes: int) -> bytes:
    """Return a small body. Raises TooLarge."""
    data = bytearray()
    for chunk in body:
        data += chunk
        if len(data) > limit_bytes:
            raise TooLarge(f"more than {limit_bytes} bytes were sent")
    return bytes(data)


def _read_size(stream: BufferedIOBase) -> int:
    line = stream.readline(_LINE_BYTES).partition(b";")[0].strip()
    try:
        if not line or not line.isalnum():
            raise ValueError(line)
        return int(line, 16)
    except ValueError:
        raise BadBody("a chunk has no size") from None
