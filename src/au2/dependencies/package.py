"""Dependencies of a package in any language."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uv

from au2.dependencies.build_container import BuildOptions, BuildRun
from au2.dependencies.file_cache import FileCache
from au2.dependencies.javascript.installer import JavaScriptInstaller, JavaScriptRequest
from au2.dependencies.javascript.npm_registry import NpmRegistry
from au2.dependencies.layer_cache import BuiltDependencies, DependencyLayerCache, LayerIndex
from au2.dependencies.python.index import PythonIndex
from au2.dependencies.python.installer import PythonInstaller, PythonRequest
from au2.dependencies.sources import Sources
from au2.dependencies.upstream import Upstream
from au2.engines.protocol import Engine
from au2.package.description import PackageDescription
from au2.stores.content.protocol import IngesterProvider


class PackageDependencies:
    """Installers of all languages with their caches; the package's files choose the installer.

    Args:
        engine: runs build containers.
        blobs: images, layers and built wheels.
        layers: index of the dependency layers.
        downloads: folder of the caches, which may be removed at any time.
        sources: indexes, folders and registry of the packages; nothing is fetched yet.
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
        self._layers = DependencyLayerCache(blobs, layers, downloads, cache)

    def close(self) -> None:
        """Close connections."""
        self._upstream.close()

    @staticmethod
    def has_dependencies(description: PackageDescription) -> bool:
        """Return whether the package has dependencies."""
        return _find_request(description) is not None

    def ensure(
        self,
        description: PackageDescription,
        runtime_digest: str,
        run: BuildRun,
        *,
        previous: Mapping[str, Any] | None = None,
    ) -> BuiltDependencies | None:
        """Return the layer with the package's dependencies; None: no dependencies.

        Raises as :meth:`~au2.dependencies.layer_cache.DependencyLayerCache.ensure`.
        """
        match _find_request(description):
            case PythonRequest() as asked:
                return self._layers.ensure(self._python, asked, runtime_digest, run, previous)
            case JavaScriptRequest() as asked:
                return self._layers.ensure(self._javascript, asked, runtime_digest, run, previous)
        return None


def _find_request(description: PackageDescription) -> PythonRequest | JavaScriptRequest | None:
    asked = description.requirements
    if asked is not None and asked.requirements:
        return PythonRequest(asked, description.manifest.dependencies.override)
    modules = description.javascript
    return None if modules is None else JavaScriptRequest(modules)
