"""What installs a package's dependencies, made from the settings."""

import os
from dataclasses import replace

from au2.dependencies.build_container import BuildOptions
from au2.dependencies.cache.layer_cache import LayerIndex
from au2.dependencies.package import PackageDependencies, make_package_dependencies
from au2.dependencies.sources import Sources, read_machine_sources
from au2.engines.protocol import Engine
from au2.files.home import NO_HOME, find_home
from au2.server.data_directory import DataDirectory
from au2.server.settings.sections import BuildSettings, Settings
from au2.stores.content.protocol import IngesterProvider


def make_dependencies(
    data: DataDirectory,
    settings: Settings,
    engine: Engine,
    blobs: IngesterProvider,
    layers: LayerIndex,
) -> PackageDependencies:
    """Return what installs dependencies; nothing is fetched yet."""
    build = settings.build
    options = BuildOptions(
        cpu=build.cpu,
        memory_bytes=build.memory_bytes,
        timeout_seconds=build.timeout_seconds,
        layer_max_bytes=build.layer_max_bytes,
        cache_max_bytes=build.cache_max_bytes,
    )
    return make_package_dependencies(
        engine,
        blobs,
        layers,
        downloads=data.downloads,
        sources=make_sources(build),
        options=options,
    )


def make_sources(build: BuildSettings) -> Sources:
    """Return where packages come from: what is not set is as pip and npm have it here."""
    sources = read_machine_sources(os.environ, home=find_home(os.environ) or NO_HOME)
    if build.python_indexes or build.find_links:
        sources = replace(
            sources,
            indexes=build.python_indexes,
            find_links=build.find_links,
            merge_indexes=False,
        )
    return replace(
        sources,
        npm_registry=build.npm_registry or sources.npm_registry,
        ca_file=build.ca_file or sources.ca_file,
        proxy=build.proxy or sources.proxy,
    )
