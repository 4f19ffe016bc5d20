"""Fixture: installation of a folder's packages on the real runtime, by the real engine."""

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from au2.dependencies.build_container import BuildOptions, BuildRun
from au2.dependencies.file_cache import FileCache
from au2.dependencies.javascript.npm_registry import NPM, NpmRegistry
from au2.dependencies.layer_cache import BuiltDependencies
from au2.dependencies.package import PackageDependencies
from au2.dependencies.sources import DebianSources, Sources, read_npm_configuration
from au2.dependencies.upstream import Upstream
from au2.domain.accounts.context import Context
from au2.images.package_image import build_package
from au2.local.dependencies import FolderLayerIndex
from au2.oci.spec.image import append_layers
from au2.oci.tar.writer import file_entry, with_parents
from au2.package.description import PackageDescription
from au2.package.javascript import parse_javascript
from au2.package.manifest import DependencyChoices, Manifest
from au2.package.requirements.reader import parse_requirements
from au2.package.tree.entries import PackagedFile
from au2.runtimes.build import build_runtime
from au2.runtimes.recipe_file import get_recipe
from au2.stores.content.images import load_image, save_image, save_layer
from tests.support.checkout import RUNTIME_CACHE
from tests.support.machine.engine import MEBIBYTE, NativeHarness, Result
from tests.support.servers.server_process import runtime_cache_locked

SITE = "usr/local/lib/python3.11/dist-packages"
OWNER = Context("6d1f2c1e-7a35-4a0a-9d1c-0d5a8f9b7c11")


NO_MIRRORS = DebianSources(lambda _: {}, lambda: None)


def never_stop() -> None:
    """Let a build go on."""


@dataclass(slots=True)
class DependencyInstallation:
    """Installs what tests ask for."""

    native_harness: NativeHarness
    runtime_digest: str
    folder: Path
    sources: Sources
    debian: DebianSources = NO_MIRRORS
    options: BuildOptions = field(default_factory=BuildOptions)
    lines: list[str] = field(default_factory=list)
    """What the last installation said."""

    @property
    def package_folder(self) -> Path:
        """The folder that packages are taken from."""
        return self.folder / "packages"

    def install(
        self,
        requirements: str,
        *,
        override: tuple[str, ...] = (),
        owner: Context = OWNER,
        previous: BuiltDependencies | None = None,
        check: Callable[[], None] = never_stop,
    ) -> BuiltDependencies:
        """Install what a ``requirements.txt`` asks for."""
        manifest = Manifest("n", "", "r", dependencies=DependencyChoices(override))
        asked = parse_requirements(requirements)
        description = PackageDescription(manifest, "main.py", {}, None, None, asked)
        return self._ensure(description, owner, check, previous)

    def install_modules(
        self,
        package: Mapping[str, Any],
        lock: Mapping[str, Any],
        owner: Context = OWNER,
        *,
        previous: BuiltDependencies | None = None,
        settings: str = "",
    ) -> BuiltDependencies:
        """Install what a ``package-lock.json`` names; ``settings`` is an ``.npmrc``."""
        asked = parse_javascript(json.dumps(package), json.dumps(lock), settings_text=settings)
        manifest = Manifest("n", "", "r")
        description = PackageDescription(manifest, "main.js", {}, None, None, None, asked)
        return self._ensure(description, owner, never_stop, previous)

    def _ensure(
        self,
        description: PackageDescription,
        owner: Context,
        check: Callable[[], None],
        previous: BuiltDependencies | None,
    ) -> BuiltDependencies:
        self.lines.clear()
        made = PackageDependencies(
            self.native_harness.engine,
            self.native_harness.blobs,
            FolderLayerIndex(self.folder / "layers"),
            downloads=self.folder / "downloads",
            sources=self.sources,
            debian=self.debian,
            options=self.options,
        )
        with closing(made):
            built = made.ensure(
                description,
                self.runtime_digest,
                BuildRun("t-build", owner, self.lines.append, check),
                previous=None if previous is None else previous.lock,
            )
        assert built.language is not None
        return built.language

    def run(self, built: BuiltDependencies, code: str, name: str = "main.py") -> Result:
        """Run ``code`` as the entry point of a package with these dependencies."""
        image = self.image(built, code, name)
        return self.native_harness.run("", image=image, memory=256 * MEBIBYTE, command=())

    def image(self, built: BuiltDependencies, code: str, name: str = "main.py") -> str:
        """Return the image of a package with these dependencies."""
        with self.native_harness.blobs.writer() as writer:
            writer.write(code.encode())
            digest = writer.commit()
        size_bytes = len(code.encode())
        entry = PackagedFile(name, "file", False, size_bytes, digest[7:], "", b"")
        return build_package(
            self.native_harness.blobs,
            self.runtime_digest,
            [entry],
            manifest=Manifest("n", "", "r", entry_point=name),
            environment={},
            dependencies=built,
            log=lambda _: None,
        )

    def put_into_runtime(self, wheel: Path) -> None:
        """Let the runtime have a package: from now on all is installed on that."""
        blobs, contents = self.native_harness.blobs, zipfile.ZipFile(wheel)
        entries = [
            file_entry(f"{SITE}/{name}", len(data), partial(io.BytesIO, data))
            for name in contents.namelist()
            for data in [contents.read(name)]
        ]
        layer = save_layer(blobs, with_parents(entries))
        runtime = load_image(blobs, self.runtime_digest)
        self.runtime_digest = save_image(
            blobs, *append_layers(runtime.manifest, runtime.config, [layer])
        )

    def forget(self, *names: str) -> None:
        """Remove ``layers`` (which there are) or ``downloads``."""
        for name in names:
            shutil.rmtree(self.folder / name, ignore_errors=True)

    @property
    def log(self) -> str:
        """What the last installation said."""
        return "\n".join(self.lines)


def build_into(native_harness: NativeHarness, runtime: str) -> str:
    """Return the digest of a runtime of the catalogue, now in the engine's store."""
    with runtime_cache_locked():
        built = build_runtime(
            get_recipe(runtime),
            native_harness.blobs,
            cache_dir=RUNTIME_CACHE,
            progress=lambda _: None,
        )
    return built.image_digest


@pytest.fixture(scope="session")
def python_runtime(shared_native_harness: NativeHarness) -> str:
    """The Python runtime."""
    return build_into(shared_native_harness, "Python3.11")


@pytest.fixture(scope="session")
def node_runtime(shared_native_harness: NativeHarness) -> str:
    """The JavaScript runtime."""
    return build_into(shared_native_harness, "Node18")


@pytest.fixture(scope="session")
def npm_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """npm, from the registry that this machine is configured to."""
    sources = read_npm_configuration(os.environ, home=Path.home())
    cache = FileCache(tmp_path_factory.mktemp("npm"), 1 << 30)
    with closing(Upstream(sources)) as upstream:
        return NpmRegistry(sources, upstream, cache).fetch(NPM, lambda _: None)[0]


@pytest.fixture
def installation(
    native_harness: NativeHarness, python_runtime: str, tmp_path: Path
) -> Iterator[DependencyInstallation]:
    """An empty package folder; nothing is installed yet."""
    package_folder = tmp_path / "packages"
    package_folder.mkdir()
    sources = Sources(indexes=(), find_links=(str(package_folder),))
    yield DependencyInstallation(native_harness, python_runtime, tmp_path, sources)
    assert not [name for name in native_harness.engine.list_containers() if "build" in name]
