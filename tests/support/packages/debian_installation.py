"""Fixture: installation of a ``packages.txt`` on a runtime, from an archive of the test."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from au2.dependencies.build_container import BuildOptions, BuildRun
from au2.dependencies.layer_cache import InstalledDependencies
from au2.dependencies.package import PackageDependencies
from au2.dependencies.sources import DebianSources, Sources
from au2.domain.errors import DependenciesFailed
from au2.local.dependencies import FolderLayerIndex
from au2.oci.tar.layer import LayerMember, read_layer
from au2.package.debian import parse_debian_packages
from au2.package.description import PackageDescription
from au2.package.manifest import Manifest
from au2.stores.content.images import load_image
from tests.support.machine.engine import MEBIBYTE, NativeHarness, Result
from tests.support.packages.debian_archive import DebianArchiveServer, put_archive_into
from tests.support.packages.dependency_installation import OWNER, never_stop


@dataclass(slots=True)
class DebianInstallation:
    """Installs a ``packages.txt`` on a runtime."""

    native_harness: NativeHarness
    runtime_digest: str
    folder: Path
    archive: DebianArchiveServer
    options: BuildOptions = field(default_factory=BuildOptions)
    lines: list[str] = field(default_factory=list)

    @contextmanager
    def _dependencies(self) -> Iterator[PackageDependencies]:
        made = PackageDependencies(
            self.native_harness.engine,
            self.native_harness.blobs,
            FolderLayerIndex(self.folder / "layers"),
            downloads=self.folder / "downloads",
            sources=Sources(indexes=()),
            debian=DebianSources(lambda _: self.archive.mirrors, lambda: None),
            options=self.options,
        )
        with closing(made):
            yield made

    def install(
        self,
        text: str,
        *,
        previous: InstalledDependencies | None = None,
        check: Callable[[], None] = never_stop,
        name: str = "t-build",
    ) -> InstalledDependencies:
        """Install what a ``packages.txt`` names; ``name`` begins the ids of its containers."""
        asked = parse_debian_packages(text, "packages.txt")
        description = PackageDescription(
            Manifest("n", "", "r"), "main.py", {}, None, None, debian=asked
        )
        self.lines.clear()
        with self._dependencies() as dependencies:
            return dependencies.ensure(
                description,
                self.runtime_digest,
                BuildRun(name, OWNER, self.lines.append, check),
                previous=None if previous is None else previous.lock,
            )

    def refused(self, text: str) -> DependenciesFailed:
        """Return the error of an installation."""
        with pytest.raises(DependenciesFailed) as caught:
            self.install(text)
        return caught.value

    def run(self, built: InstalledDependencies, script: str) -> Result:
        """Run a script on the image, as root of the container."""
        return self.native_harness.run(
            "", image=built.base_digest, memory=128 * MEBIBYTE, command=("sh", "-c", script)
        )

    def layer(self, built: InstalledDependencies) -> dict[str, LayerMember]:
        """Return the members of the layer."""
        blobs = self.native_harness.blobs
        image = load_image(blobs, built.base_digest)
        with blobs.open(image.manifest.layers[-1].digest) as stream:
            return {member.path: member for member in read_layer(stream)}


@pytest.fixture
def debian(
    native_harness: NativeHarness,
    python_runtime: str,
    debian_archive: DebianArchiveServer,
    tmp_path: Path,
) -> Iterator[DebianInstallation]:
    """An installation on a runtime whose only source is an archive of the test."""
    runtime = put_archive_into(native_harness.blobs, python_runtime, debian_archive.export_key())
    yield DebianInstallation(native_harness, runtime, tmp_path, debian_archive)
    assert not [name for name in native_harness.engine.list_containers() if "build" in name]
