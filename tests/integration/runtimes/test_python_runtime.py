"""The catalogue's Python runtime, really built. Slow: packages are installed."""

import fcntl
import tarfile
from pathlib import Path

import pytest

from au2.runtimes.build import build_runtime
from au2.runtimes.built_runtime import BuiltRuntime
from au2.runtimes.recipe_file import get_recipe
from au2.stores.content.filesystem import FileContentStore
from au2.stores.content.images import load_image
from tests.support.checkout import RUNTIME_CACHE

RECIPE = get_recipe("Python3.11")


class Built:
    """A built runtime and its only layer as a file."""

    def __init__(self, folder: Path, cache: Path | None) -> None:
        self.lines: list[str] = []
        self.blobs = FileContentStore(folder)
        self.runtime: BuiltRuntime = build_runtime(
            RECIPE, self.blobs, cache_dir=cache, progress=self.lines.append
        )
        self.image = load_image(self.blobs, self.runtime.image_digest)
        digest = self.image.manifest.layers[0].digest.removeprefix("sha256:")
        [self.layer] = folder.rglob(digest)

    def read(self, path: str) -> bytes:
        with tarfile.open(self.layer) as archive:
            file = archive.extractfile(path)
            assert file is not None
            return file.read()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The build that all tests of this checkout share."""
    RUNTIME_CACHE.mkdir(parents=True, exist_ok=True)
    with (RUNTIME_CACHE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return Built(tmp_path_factory.mktemp("shared"), RUNTIME_CACHE)


def test_the_installed_packages_are_listed(shared: Built) -> None:
    packages = {package.name: package for package in shared.runtime.packages}
    assert {"python3.11", "python3", "ca-certificates", "dash"} <= packages.keys()
    assert all(package.version for package in packages.values())
    assert len(packages["python3.11"].sha256) == 64


def test_python_starts_without_compiling(shared: Built) -> None:
    compiled = shared.read("usr/lib/python3.11/json/__pycache__/decoder.cpython-311.pyc")
    # PEP 552: bit 0, a hash stands in place of the time; bit 1 unset, nobody looks at the source.
    assert compiled[4:8] == b"\x01\x00\x00\x00"


def test_nothing_of_this_machine_is_left(shared: Built) -> None:
    assert shared.read("etc/hostname") == shared.read("etc/resolv.conf") == b""
    assert shared.read("etc/apt/sources.list").startswith(b"deb http://deb.debian.org/debian ")
    with tarfile.open(shared.layer) as archive:
        names = archive.getnames()
    assert not [name for name in names if name.startswith(("var/lib/apt/lists/", "var/log/apt/"))]
    assert not [name for name in names if "00au2-host" in name or "auth.conf/" in name]
    assert b"au2:x:1000:1000:" in shared.read("etc/passwd")


def test_a_second_build_is_the_same(shared: Built, tmp_path: Path) -> None:
    again = Built(tmp_path / "blobs", cache=None)
    if again.runtime.packages == shared.runtime.packages:
        assert again.runtime.image_digest == shared.runtime.image_digest
    else:
        # The mirror moved on since the shared build: then a third one must equal the second.
        third = Built(tmp_path / "third", cache=None)
        assert third.runtime.image_digest == again.runtime.image_digest
    assert any("packages are installed" in line for line in again.lines)
