"""Fixture: a Python package index on a loopback port, with a password if one wants."""

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name


class SimpleIndex:
    """Serves the files of a folder as PyPI does, as HTML."""

    def __init__(self, folder: Path, user: str, password: str) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.refused = 0
        self.broken = False
        self._user, self._password = user, password
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/simple/"

    @property
    def url_with_password(self) -> str:
        return self.url.replace("://", f"://{self._user}:{self._password}@")

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str, authorization: str | None) -> tuple[int, bytes]:
        self.asked.append(path)
        if self.broken:
            return 500, b"out of order"
        secret = base64.b64encode(f"{self._user}:{self._password}".encode()).decode()
        if self._user and authorization != f"Basic {secret}":
            self.refused += 1
            return 401, b"who are you?"
        if path.endswith(".tgz") and not (self.folder / Path(path).name).exists():
            return 404, b"no such archive"
        if path.startswith("/files/") or path.endswith(".tgz"):
            return 200, (self.folder / Path(path).name).read_bytes()
        name = path.removeprefix("/simple/").strip("/")
        files = [file.name for file in self.folder.iterdir() if _project(file) == name]
        links = "".join(f'<a href="../../files/{file}">{file}</a>' for file in files)
        return (200, links.encode()) if files else (404, b"no such project")

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        index = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, data = index.answer(self.path, self.headers.get("Authorization"))
                self.send_response(status)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        return Handler


def _project(file: Path) -> str:
    return canonicalize_name(file.name.split("-")[0])


@pytest.fixture
def simple_index() -> Iterator[Callable[..., SimpleIndex]]:
    """``simple_index(folder)`` → a running index of the files there."""
    with ExitStack() as stack:

        def make(folder: Path, *, user: str = "", password: str = "") -> SimpleIndex:
            index = SimpleIndex(folder, user, password)
            stack.callback(index.close)
            return index

        yield make
