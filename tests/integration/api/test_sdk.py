"""The libraries for user code under ``/sdk/``, as pip and a browser fetch them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.servers.backend import Backend
from tests.support.servers.live import served


@pytest.fixture
def address(backend: Backend) -> Iterator[str]:
    with served(backend.app()) as address:
        yield address


def test_pip_installs_by_address_and_by_the_page_without_a_login(
    address: str, tmp_path: Path
) -> None:
    page = httpx.get(f"{address}/sdk/")
    name = next(part for part in page.text.split('"') if part.endswith(".whl"))
    pip = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "install"]
    by_address = [*pip, "--target", str(tmp_path / "a"), f"{address}/sdk/{name}"]
    by_page = [*pip, "--no-index", "--find-links", f"{address}/sdk/", "--target"]
    subprocess.run(by_address, check=True, capture_output=True)
    subprocess.run([*by_page, str(tmp_path / "b"), "aunsight"], check=True, capture_output=True)

    assert (tmp_path / "a" / "aunsight" / "py.typed").exists()
    assert (tmp_path / "b" / "aunsight" / "__init__.py").exists()


def test_every_file_of_the_page_is_there(address: str) -> None:
    page = httpx.get(f"{address}/sdk/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    names = [part for part in page.text.split('"') if part.endswith((".whl", ".tgz"))]
    assert len(names) == 2
    for name in names:
        found = httpx.get(f"{address}/sdk/{name}")
        head = httpx.head(f"{address}/sdk/{name}")
        assert (found.status_code, head.status_code) == (200, 200)
        assert len(found.content) == int(head.headers["content-length"])
        assert found.headers["content-type"] in {"application/zip", "application/gzip"}


@pytest.mark.parametrize(
    "name", ["aunsight-9.9.9.whl", "%2e%2e%2fpasswd", "%00", "a" * 2000, "a/b"]
)
def test_another_name_is_not_found(address: str, name: str) -> None:
    found = httpx.get(f"{address}/sdk/{name}")
    assert found.status_code == 404
    assert len(found.text) < 1000
    assert httpx.put(f"{address}/sdk/aunsight", content=b"x").status_code in {404, 405}
