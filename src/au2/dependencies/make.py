"""All that installs dependencies, put together."""

from pathlib import Path

import uv

from au2.dependencies.build_container import BuildOptions
from au2.dependencies.dependencies import Dependencies, LayerIndex
from au2.dependencies.file_cache import FileCache
from au2.dependencies.javascript import JavaScriptInstaller
from au2.dependencies.npm_registry import NpmRegistry
from au2.dependencies.package import PackageDependencies
from au2.dependencies.python import PythonInstaller
from au2.dependencies.python_index import PythonIndex
from au2.dependencies.sources import Sources
from au2.dependencies.upstream import Upstream
from au2.engines.base import Engine
from au2.stores.content.base import BlobStore


def make_package_dependencies(
    engine: Engine,
    blobs: BlobStore,
    layers: LayerIndex,
    *,
    downloads: Path,
    sources: Sources,
    options: BuildOptions,
) -> PackageDependencies:
    """Return what installs a package's dependencies; nothing is fetched yet.

    Args:
        engine: where build containers run. blobs: images, layers and built wheels.
        layers: which layers there are. downloads: folder for files that may be lost.
        sources: where packages come from. options: what an installation may use.
    """
    downloads.mkdir(mode=0o700, parents=True, exist_ok=True)
    cache = FileCache(downloads, options.cache_max_bytes)
    upstream = Upstream(sources)
    python = PythonInstaller(
        engine,
        blobs,
        index=PythonIndex(sources, upstream, cache),
        cache=cache,
        options=options,
        uv=Path(uv.find_uv_bin()),
    )
    javascript = JavaScriptInstaller(
        engine, blobs, registry=NpmRegistry(sources, upstream, cache), options=options
    )
    dependencies = Dependencies(blobs, layers, downloads, cache)
    return PackageDependencies(dependencies, python, javascript)
