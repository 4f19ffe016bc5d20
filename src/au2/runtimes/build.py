"""Build of a runtime's image from its recipe."""

import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from au2.domain.errors import DigestMismatch, InvalidImage, NotFound, RuntimeBuildFailed
from au2.oci.registry_client.registry import Registry
from au2.oci.spec.platform import find_platform
from au2.runtimes.built_runtime import Base, BuiltRuntime, make_cache_key, save_runtime
from au2.runtimes.layer_builder import RuntimeLayerBuilder
from au2.runtimes.layers import RuntimeCache, RuntimeLayers
from au2.runtimes.pulled_image import OpenRegistry
from au2.runtimes.recipe import BaseSource, Recipe
from au2.runtimes.recipe_file import find_recipe
from au2.stores.content.protocol import IngesterProvider

FindBase = Callable[[str, str | None], Base | None]
"""Finds a runtime of the installation by name or id and, if given, its recipe's digest."""


def build_runtime(
    recipe: Recipe,
    blobs: IngesterProvider,
    *,
    mirror: str | None = None,
    cache_dir: Path | None = None,
    work_dir: Path | None = None,
    refresh: bool = False,
    find_base: FindBase = lambda _name, _digest: None,
    open_registry: OpenRegistry = lambda name: closing(Registry(name)),
    progress: Callable[[str], None],
) -> BuiltRuntime:
    """Build the recipe's image, and return it.

    The same recipe and the same state of mirror and index give the same digest.

    Args:
        recipe: recipe to build.
        blobs: content store of the image.
        mirror: Debian mirror, see :func:`~au2.runtimes.debian.choose_sources`.
        cache_dir: cache for other data directories; None: none.
        work_dir: folder for some gigabytes of temporary files; None: the system's own.
        refresh: ignore the cache, since packages may have got security updates.
        find_base: finds the base of a recipe in the installation.
        open_registry: opens registries for recipes that start from an image.
        progress: takes a line for people.

    Raises:
        RuntimeBuildFailed: with the reason and a hint.
        RegistryFailure: a registry does not serve the recipe's image.
        NotFound: the recipe's base is unknown.
        StorageFull: the disk is full.
    """
    platform = find_platform()
    cache = RuntimeCache(cache_dir) if cache_dir else None

    def build(recipe: Recipe) -> BuiltRuntime:
        base = find(recipe.source.name) if isinstance(recipe.source, BaseSource) else None
        key = make_cache_key(recipe, base, platform.architecture)
        part = cache.find(key, blobs) if cache and not refresh else None
        from_cache = part is not None
        if part is None:
            part = make(recipe, base)
            if cache:
                cache.keep(key, part, blobs)
        else:
            progress(f"{recipe.name} was built before and is taken from {cache_dir}")
        built = save_runtime(
            recipe, blobs, base, part, platform.architecture, from_cache=from_cache
        )
        if not from_cache:
            progress(f"{recipe.name} is ready: {built.image_digest}")
        return built

    def find(name: str) -> Base:
        known = find_recipe(name)
        found = None if known and refresh else find_base(name, known.digest if known else None)
        if found is None and known is not None:
            progress(f"First its base, {known.name}")
            built = build(known)
            found = Base(built.image_digest, built.packages)
        if found is None:
            raise NotFound(
                f"There is no runtime '{name}' to build on.",
                hint="Build it first; those that are there: au2-server runtime list",
            )
        return found

    def make(recipe: Recipe, base: Base | None) -> RuntimeLayers:
        try:
            with tempfile.TemporaryDirectory(prefix="au2-runtime-", dir=work_dir) as work:
                Path(work).chmod(0o755)  # apt downloads as a user of its own.
                maker = RuntimeLayerBuilder(
                    blobs=blobs,
                    work=Path(work),
                    platform=platform,
                    mirror=mirror,
                    open_registry=open_registry,
                    progress=progress,
                )
                return maker.make(recipe, base)
        except (InvalidImage, DigestMismatch) as error:
            raise RuntimeBuildFailed(
                f"The root file system is not usable: {error.message}"
            ) from error

    return build(recipe)
