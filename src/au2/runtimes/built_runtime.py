"""Image of a runtime, composed of the layers of its recipe and its base."""

from dataclasses import dataclass
from pathlib import Path

from au2.domain.jobs.container_contract import (
    LANGUAGE_LABEL,
    RESET_SIGNALS_LABEL,
    RUNTIME_NAME_LABEL,
)
from au2.oci.spec.config import ImageConfig, parse_config
from au2.oci.spec.image import ConfigChanges, append_layers, describe_config
from au2.oci.spec.manifest import Manifest
from au2.oci.spec.platform import find_platform
from au2.runtimes.layers import InstalledPackage, RuntimeCache, RuntimeLayers
from au2.runtimes.recipe import BaseSource, ImageSource, Recipe
from au2.runtimes.recipe_file import find_recipe
from au2.stores.content.images import load_image, save_image
from au2.stores.content.protocol import IngesterProvider


@dataclass(frozen=True, slots=True)
class Base:
    """Runtime below another one."""

    image_digest: str
    packages: tuple[InstalledPackage, ...]


@dataclass(frozen=True, slots=True)
class BuiltRuntime:
    """A runtime's image, in the blob store."""

    image_digest: str
    packages: tuple[InstalledPackage, ...]
    """Installed packages, as far as they are known."""
    recipe_digest: str
    from_cache: bool


def find_built_runtime(
    recipe: Recipe, blobs: IngesterProvider, cache_dir: Path
) -> BuiltRuntime | None:
    """Return the recipe's image, now in ``blobs``, if its layers are in the cache.

    Raises StorageFull.
    """
    base = None
    if isinstance(recipe.source, BaseSource):
        known = find_recipe(recipe.source.name)
        built = None if known is None else find_built_runtime(known, blobs, cache_dir)
        if built is None:
            return None
        base = Base(built.image_digest, built.packages)
    architecture = find_platform().architecture
    part = RuntimeCache(cache_dir).find(make_cache_key(recipe, base, architecture), blobs)
    if part is None:
        return None
    return save_runtime(recipe, blobs, base, part, architecture, from_cache=True)


def make_cache_key(recipe: Recipe, base: Base | None, architecture: str) -> str:
    """Return the cache key of a recipe's layers."""
    return f"{recipe.digest} {architecture} {base.image_digest if base else ''}"


def save_runtime(
    recipe: Recipe,
    blobs: IngesterProvider,
    base: Base | None,
    part: RuntimeLayers,
    architecture: str,
    *,
    from_cache: bool,
) -> BuiltRuntime:
    """Store the image of a recipe whose layers are stored."""
    told = {LANGUAGE_LABEL: recipe.language.value, RUNTIME_NAME_LABEL: recipe.name}
    if recipe.reset_signals:
        told[RESET_SIGNALS_LABEL] = recipe.reset_signals
    changes = ConfigChanges(environment=recipe.environment, labels=told, cmd=recipe.command or None)
    manifest, config = _start(recipe, blobs, base, part, architecture)
    added = [layer.to_added() for layer in part.layers]
    digest = save_image(blobs, *append_layers(manifest, config, added, changes))
    packages = (*(base.packages if base else ()), *part.packages)
    return BuiltRuntime(digest, packages, recipe.digest, from_cache)


def _start(
    recipe: Recipe,
    blobs: IngesterProvider,
    base: Base | None,
    part: RuntimeLayers,
    architecture: str,
) -> tuple[Manifest, ImageConfig]:
    """Return manifest and configuration below the recipe's layers."""
    if base is not None:
        image = load_image(blobs, base.image_digest)
        return image.manifest, image.config
    config = ImageConfig(architecture=architecture)
    if isinstance(recipe.source, ImageSource):
        config = parse_config(part.config.encode())
    return Manifest(describe_config(config), ()), config
