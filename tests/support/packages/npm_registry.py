"""An npm registry on a loopback port that serves the archives of a folder."""

import base64
import hashlib
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote


class NpmRegistryServer:
    """Describes every ``NAME-VERSION.tgz`` of a folder as the public registry does.

    Args:
        folder: the archives; read anew for each request.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str) -> tuple[int, bytes]:
        self.asked.append(path)
        if path.endswith(".tgz"):
            file = self.folder / Path(path).name
            return (200, file.read_bytes()) if file.is_file() else (404, b"{}")
        name = unquote(path).strip("/")
        files = sorted(self.folder.glob(f"{name.rpartition('/')[2]}-*.tgz"))
        versions = {
            package["version"]: {**package, "dist": self._dist(package, file)}
            for file in files
            if (package := read_package(file))["name"] == name
        }
        if not versions:
            return 404, b"{}"
        latest = list(versions)[-1]
        document = {"name": name, "dist-tags": {"latest": latest}, "versions": versions}
        return 200, json.dumps(document).encode()

    def _dist(self, package: dict[str, Any], file: Path) -> dict[str, str]:
        return {
            "tarball": f"{self.url}/{package['name']}/-/{file.name}",
            "shasum": hashlib.sha1(file.read_bytes()).hexdigest(),
            "integrity": integrity_of(file),
        }

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, data = registry.answer(self.path.partition("?")[0])
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        return Handler


def integrity_of(file: Path, algorithm: str = "sha512") -> str:
    """Return a file's digest as a lock writes it (W3C subresource integrity)."""
    digest = hashlib.new(algorithm, file.read_bytes()).digest()
    return f"{algorithm}-{base64.b64encode(digest).decode()}"


def read_package(file: Path) -> dict[str, Any]:
    """Return the ``package.json`` of an archive."""
    with tarfile.open(file) as archive:
        stream = archive.extractfile("package/package.json")
        assert stream is not None
        package: dict[str, Any] = json.load(stream)
    if "install" in package.get("scripts", {}) or "postinstall" in package.get("scripts", {}):
        package["hasInstallScript"] = True
    return package


@contextmanager
def npm_registry(folder: Path) -> Iterator[NpmRegistryServer]:
    """A running registry."""
    registry = NpmRegistryServer(folder)
    try:
        yield registry
    finally:
        registry.close()
