"""Dependencies of a package in any language, and its Debian packages."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uv

from au2.dependencies.build_container import BuildOptions, BuildRun
from au2.dependencies.debian.archive import DebianArchive
from au2.dependencies.debian.installer import DebianInstaller, DebianRequest
from au2.dependencies.file_cache import FileCache
from au2.dependencies.javascript.installer import JavaScriptInstaller, JavaScriptRequest
from au2.dependencies.javascript.npm_registry import NpmRegistry
from au2.dependencies.layer_cache import (
    BuiltDependencies,
    DependencyLayerCache,
    InstalledDependencies,
    LayerIndex,
)
from au2.dependencies.python.index import PythonIndex
from au2.dependencies.python.installer import PythonInstaller, PythonRequest
from au2.dependencies.sources import DebianSources, Sources
from au2.dependencies.upstream import Upstream
from au2.engines.protocol import Engine
from au2.oci.spec.image import ConfigChanges, append_layers
from au2.package.description import PackageDescription
from au2.stores.content.images import load_image, save_image
from au2.stores.content.protocol import IngesterProvider

_DEBIAN = "debian"
"""Key of the Debian packages' lock in the lock of all dependencies."""


class PackageDependencies:
    """Installers of all languages with their caches; the package's files choose the installer.

    Args:
        engine: runs build containers.
        blobs: images, layers and built wheels.
        layers: index of the dependency layers.
        downloads: folder of the caches, which may be removed at any time.
        sources: indexes, folders and registry of the packages; nothing is fetched yet.
        debian: mirrors of the Debian packages.
        options: limits of an installation.
    """

    def __init__(
        self,
        engine: Engine,
        blobs: IngesterProvider,
        layers: LayerIndex,
        *,
        downloads: Path,
        sources: Sources,
        debian: DebianSources,
        options: BuildOptions,
    ) -> None:
        downloads.mkdir(mode=0o700, parents=True, exist_ok=True)
        cache = FileCache(downloads, options.cache_max_bytes)
        self._upstream = Upstream(sources)
        self._python = PythonInstaller(
            engine,
            blobs,
            index=PythonIndex(sources, self._upstream, cache),
            cache=cache,
            options=options,
            uv=Path(uv.find_uv_bin()),
        )
        registry = NpmRegistry(sources, self._upstream, cache)
        self._javascript = JavaScriptInstaller(engine, blobs, registry=registry, options=options)
        self._archive = DebianArchive(sources, debian, cache)
        self._debian = DebianInstaller(engine, blobs, archive=self._archive, options=options)
        self._blobs = blobs
        self._layers = DependencyLayerCache(blobs, layers, downloads, cache)

    def close(self) -> None:
        """Close connections."""
        self._upstream.close()
        self._archive.close()

    @staticmethod
    def has_dependencies(description: PackageDescription) -> bool:
        """Return whether the package has dependencies."""
        return bool(description.debian) or _find_request(description) is not None

    def ensure(
        self,
        description: PackageDescription,
        runtime_digest: str,
        run: BuildRun,
        *,
        previous: Mapping[str, Any] | None = None,
    ) -> InstalledDependencies:
        """Install the package's Debian packages, and on these its language's dependencies.

        Args:
            description: the package.
            runtime_digest: image of the runtime.
            run: owner, log and check of the build.
            previous: lock of the version before, if any.

        Raises as :meth:`~au2.dependencies.layer_cache.DependencyLayerCache.ensure`.
        """
        base_digest, debian = runtime_digest, None
        if description.debian:
            asked = DebianRequest(description.debian)
            before = None if previous is None else previous.get(_DEBIAN)
            debian = self._layers.ensure(self._debian, asked, runtime_digest, run, before)
            base_digest = self._compose(runtime_digest, debian)
        language = self._ensure_language(description, base_digest, run, previous)
        return InstalledDependencies(base_digest, language, _join(language, debian))

    def _ensure_language(
        self,
        description: PackageDescription,
        base_digest: str,
        run: BuildRun,
        previous: Mapping[str, Any] | None,
    ) -> BuiltDependencies | None:
        match _find_request(description):
            case PythonRequest() as asked:
                return self._layers.ensure(self._python, asked, base_digest, run, previous)
            case JavaScriptRequest() as asked:
                return self._layers.ensure(self._javascript, asked, base_digest, run, previous)
        return None

    def _compose(self, runtime_digest: str, debian: BuiltDependencies) -> str:
        """Return the image of the runtime with its Debian packages."""
        runtime = load_image(self._blobs, runtime_digest)
        layers = append_layers(runtime.manifest, runtime.config, [debian.layer], ConfigChanges())
        return save_image(self._blobs, *layers)


def _join(
    language: BuiltDependencies | None, debian: BuiltDependencies | None
) -> Mapping[str, Any] | None:
    """Return one lock; readers that do not know Debian packages find the language's alone."""
    if debian is None:
        return None if language is None else language.lock
    empty = {**debian.lock, "packages": [], "key": ""}
    return {**(empty if language is None else language.lock), _DEBIAN: debian.lock}


def _find_request(description: PackageDescription) -> PythonRequest | JavaScriptRequest | None:
    asked = description.requirements
    if asked is not None and asked.requirements:
        return PythonRequest(asked, description.manifest.dependencies.override)
    modules = description.javascript
    return None if modules is None else JavaScriptRequest(modules)
