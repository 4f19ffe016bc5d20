"""Runtimes of packages on this machine: search, and the cache folders of built ones."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from au2.domain.errors import NotFound
from au2.domain.ids import is_guid
from au2.domain.jobs.container_contract import Language
from au2.package.manifest import Manifest
from au2.runtimes.built_runtime import find_built_runtime
from au2.runtimes.recipe_file import find_recipe, find_runtime_name
from au2.stores.content.protocol import IngesterProvider


@dataclass(frozen=True, slots=True)
class RuntimeImage:
    """A runtime whose image is in the local store."""

    name: str
    language: Language
    image_digest: str
    version: int | None
    """None in a cache, whose runtimes have no versions."""

    def __str__(self) -> str:
        """The words of a notice."""
        return self.name if self.version is None else f"{self.name} version {self.version}"


FindRuntime = Callable[[Manifest, IngesterProvider], RuntimeImage]
"""Returns the runtime that a package names, its image now in the store. Raises NotFound when it is
nowhere on this machine (the hint says how it gets here), Conflict when several have its name."""


def search_both(first: FindRuntime, second: FindRuntime) -> FindRuntime:
    """Return a search with ``first``, then ``second``."""

    def find(manifest: Manifest, blobs: IngesterProvider) -> RuntimeImage:
        try:
            return first(manifest, blobs)
        except NotFound:
            return second(manifest, blobs)

    return find


def make_cache_search(caches: Sequence[Path]) -> FindRuntime:
    """Return a search through ``caches``, the folders of ``au2-server runtime build``.

    A cache holds the present recipe of the catalogue only, so a version in ``aunsight.yml`` is
    ignored.
    """

    def find(manifest: Manifest, blobs: IngesterProvider) -> RuntimeImage:
        recipe = find_recipe(manifest.runtime)
        if recipe is not None:
            for cache in caches:
                built = find_built_runtime(recipe, blobs, cache)
                if built is not None:
                    return RuntimeImage(recipe.name, recipe.language, built.image_digest, None)
        if recipe is None and is_guid(manifest.runtime):
            raise NotFound(
                f"The runtime '{manifest.runtime}' is that of a server, and in no data "
                "directory that was found on this machine.",
                hint="If the server is on this machine, name its data directory with --data-dir; "
                "or write the runtime's name into aunsight.yml: 'au2 runtime list' shows it.",
            )
        name = "NAME" if recipe is None else shlex.quote(recipe.name)
        raise NotFound(
            f"The runtime '{find_runtime_name(manifest.runtime)}' is not on this machine.",
            hint="Name a server's data directory with --data-dir, or build the runtime with "
            f"'au2-server runtime build {name} --data-dir D --cache-dir {caches[-1]}'.",
        )

    return find
