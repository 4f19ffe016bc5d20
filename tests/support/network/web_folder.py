"""Fixture: files on a web server on a loopback port."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest


class WebFolder:
    """Serves files by path, and 404 for others."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self._is_open = True

    @property
    def url(self) -> str:
        """Address of the folder, without a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def add(self, path: str, data: bytes) -> None:
        """Add a file, or change it."""
        self.files[path] = data

    def close(self) -> None:
        """Stop serving."""
        if self._is_open:
            self._is_open = False
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        folder = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = unquote(self.path).removeprefix("/")
                folder.asked.append(path)
                data = folder.files.get(path)
                self.send_response(404 if data is None else 200)
                self.send_header("Content-Length", str(len(data or b"")))
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        return Handler


@pytest.fixture
def web_folder() -> Iterator[WebFolder]:
    """An empty folder on a web server."""
    made = WebFolder()
    yield made
    made.close()
