"""Dependency layers outlive the loss of all caches."""

import io
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from au2.dependencies.build_container import BuildRun
from au2.dependencies.file_cache import FileCache
from au2.dependencies.installer import InstallResult, InstallTask, Lock
from au2.dependencies.layer_cache import DependencyLayerCache
from au2.domain.accounts.context import Context
from au2.local.dependencies import FolderLayerIndex
from au2.oci.tar.writer import file_entry
from au2.stores.content.filesystem import FileContentStore


class Request:
    """A request of a test."""

    def to_document(self) -> Mapping[str, object]:
        return {}


class Installer:
    """Installs one file."""

    tool = "test 1"
    programs = "/bin"

    def __init__(self) -> None:
        self.made = 0

    def make(self, request: Request, task: InstallTask) -> InstallResult:
        self.made += 1
        (task.folder / "file").write_bytes(b"x")
        return InstallResult(
            [file_entry("file", 1, lambda: io.BytesIO(b"x"))], Lock("test 1", task.key)
        )


@pytest.fixture
def dependencies(tmp_path: Path) -> DependencyLayerCache:
    downloads = tmp_path / "downloads"
    index = FolderLayerIndex(tmp_path / "layers")
    blobs = FileContentStore(tmp_path / "blobs")
    return DependencyLayerCache(blobs, index, downloads, FileCache(downloads, 1 << 20))


def test_the_downloads_may_be_removed(dependencies: DependencyLayerCache, tmp_path: Path) -> None:
    run, installer = BuildRun("test", Context("organization"), lambda _: None), Installer()
    first = dependencies.ensure(installer, Request(), "sha256:1", run)
    shutil.rmtree(tmp_path / "downloads")

    assert dependencies.ensure(installer, Request(), "sha256:1", run).layer == first.layer
    assert dependencies.ensure(installer, Request(), "sha256:2", run).layer == first.layer
    assert installer.made == 2
