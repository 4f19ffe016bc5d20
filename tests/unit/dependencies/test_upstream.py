"""Requests to package indexes: certificates and logins as pip has them."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from au2.dependencies.sources import Sources
from au2.dependencies.upstream import Page, Upstream
from au2.domain.errors import IndexUnreachable
from tests.support.packages.package_index import SimpleIndex
from tests.support.packages.wheels import make_wheel
from tests.support.servers.certificates import make_certificates


def get(url: str, sources: Sources) -> Page | None:
    with closing(Upstream(sources)) as upstream:
        return upstream.get_page(url, accept="*/*")


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments: object) -> None:
        """Print nothing."""


@pytest.fixture
def tls_address(tmp_path: Path) -> Iterator[str]:
    """``HOST:PORT`` of a server with an unknown certificate authority."""
    files = make_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_a_certificate_is_checked_unless_the_host_is_trusted(tls_address: str) -> None:
    url = f"https://{tls_address}/"
    with pytest.raises(IndexUnreachable, match="certificate"):
        get(url, Sources())
    with pytest.raises(IndexUnreachable, match="certificate"):
        get(url, Sources(trusted_hosts=("other.example",)))
    for host in (tls_address, "127.0.0.1"):
        page = get(url, Sources(trusted_hosts=(host,)))
        assert page is not None
        assert page.data == b"ok"


def test_a_login_comes_from_the_netrc_file(
    simple_index: Callable[..., SimpleIndex], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(tmp_path, "alpha")
    index = simple_index(tmp_path, user="me", password="secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    with pytest.raises(IndexUnreachable, match="401"):
        get(f"{index.url}alpha/", Sources())
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    page = get(f"{index.url}alpha/", Sources())
    assert page is not None
    assert b"alpha-1.0" in page.data
