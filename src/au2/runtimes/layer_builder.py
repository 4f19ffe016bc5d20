"""Builder of a recipe's layers, on its base, image or root file system."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from au2.domain.errors import DigestMismatch, RuntimeBuildFailed
from au2.domain.jobs.container_contract import Language
from au2.oci.spec.digest import VerifyingReader
from au2.oci.spec.platform import Platform
from au2.oci.tar.writer import MODIFIED_AT, LayerEntry
from au2.runtimes.built_runtime import Base
from au2.runtimes.debian import choose_sources, default_sources, make_debian_root
from au2.runtimes.layers import InstalledPackage, RuntimeLayer, RuntimeLayers, parse_packages
from au2.runtimes.pulled_image import OpenRegistry, pull_image
from au2.runtimes.python_layer import add_python_packages
from au2.runtimes.recipe import DebianSource, ImageSource, Recipe, TarballSource
from au2.runtimes.root_files import RootFiles
from au2.stores.content.images import load_image, save_layer
from au2.stores.content.protocol import IngesterProvider

_DPKG_STATUS = "var/lib/dpkg/status"


@dataclass(slots=True)
class _Progress:
    """Layers and packages so far, and the root file system for the next layer."""

    files: RootFiles
    layers: list[RuntimeLayer]
    packages: tuple[InstalledPackage, ...]
    environment: Mapping[str, str]
    config: str = ""


@dataclass(frozen=True, slots=True)
class RuntimeLayerBuilder:
    """Builds the layers of one recipe, in a temporary folder.

    See :func:`au2.runtimes.build.build_runtime` for its arguments.
    """

    blobs: IngesterProvider
    work: Path
    platform: Platform
    mirror: str | None
    open_registry: OpenRegistry
    progress: Callable[[str], None]

    def make(self, recipe: Recipe, base: Base | None) -> RuntimeLayers:
        """Return the recipe's layers, in the blob store.

        Raises:
            RuntimeBuildFailed, RegistryFailure, StorageFull
            InvalidImage, DigestMismatch: a root file system is damaged or unsafe.
        """
        if base is not None:
            made = self._on_base(recipe, base)
        elif isinstance(recipe.source, ImageSource):
            made = self._from_image(recipe, recipe.source)
        else:
            made = self._from_root(recipe)
        self._warn(recipe, made.files)
        if recipe.python is not None:
            entries, packages = add_python_packages(
                recipe.python,
                made.files,
                {**made.environment, **recipe.environment},
                self.work,
                self.progress,
            )
            made.layers.append(self._save(entries, f"{recipe.name}: Python packages"))
            made.packages = (*made.packages, *packages)
        return RuntimeLayers(tuple(made.layers), made.packages, made.config)

    def _warn(self, recipe: Recipe, files: RootFiles) -> None:
        if recipe.language is Language.SHELL and not files.is_empty and not files.has_command("jq"):
            self.progress(
                "Warning: the runtime has no jq. Scripts that read their arguments with "
                "aunsight_argument need it, also the one of 'au2 process repo init'."
            )

    def _from_root(self, recipe: Recipe) -> _Progress:
        files = RootFiles(self.work / "spool")
        if isinstance(recipe.source, DebianSource):
            packages = self._add_debian(recipe.source, files)
        else:
            assert isinstance(recipe.source, TarballSource)  # noqa: S101 - there is no other
            _add_tarball(recipe.source, files)
            packages = _installed(files)
        files.make_ready(recipe.links)
        self.progress("Writing the layer")
        layer = self._save(files.entries(), f"au2 runtime {recipe.name}")
        return _Progress(files, [layer], packages, {})

    def _from_image(self, recipe: Recipe, source: ImageSource) -> _Progress:
        image = pull_image(
            source.reference,
            self.blobs,
            platform=self.platform,
            open_registry=self.open_registry,
            progress=self.progress,
        )
        files = self._flatten([layer.digest for layer in image.layers])
        packages = _installed(files)
        entries = files.changed(lambda files: files.make_ready(recipe.links))
        own = self._save(entries, f"au2 runtime {recipe.name}")
        config = image.config.to_bytes().decode()
        variables = _variables(image.config.env)
        return _Progress(files, [*image.layers, own], packages, variables, config)

    def _on_base(self, recipe: Recipe, base: Base) -> _Progress:
        image = load_image(self.blobs, base.image_digest)
        files, layers = RootFiles(self.work / "spool"), []
        if recipe.links or recipe.python:
            files = self._flatten([layer.digest for layer in image.manifest.layers])
        if recipe.links:

            def add_links(files: RootFiles) -> None:
                for path, target in recipe.links.items():
                    files.link(path.strip("/"), target)

            layers.append(self._save(files.changed(add_links), f"au2 runtime {recipe.name}"))
        return _Progress(files, layers, (), _variables(image.config.env))

    def _flatten(self, digests: list[str]) -> RootFiles:
        files = RootFiles(self.work / "spool")
        for digest in digests:
            with self.blobs.open(digest) as stream:
                files.add_layer(stream)
        return files

    def _add_debian(self, source: DebianSource, files: RootFiles) -> tuple[InstalledPackage, ...]:
        sources = choose_sources(source.suite, self.mirror)
        for line in sources:
            self.progress(f"Packages from {line}")
        archive, packages = make_debian_root(
            source, sources=sources, work=self.work, progress=self.progress
        )
        with archive.open("rb") as file:
            files.add_archive(file)
        archive.unlink()
        # Not the sources of this build: their addresses and passwords are the operator's own.
        lines = "".join(f"{line}\n" for line in default_sources(source.suite))
        files.write("etc/apt/sources.list", lines.encode())
        self.progress(f"{len(packages)} packages are installed")
        return packages

    def _save(self, entries: list[LayerEntry], created_by: str) -> RuntimeLayer:
        layer = save_layer(self.blobs, entries, created_by, modified_at=MODIFIED_AT)
        return RuntimeLayer(layer.diff_id, layer.descriptor.size_bytes, created_by)


def _add_tarball(source: TarballSource, files: RootFiles) -> None:
    try:
        with source.tarball.open("rb") as file:
            files.add_archive(VerifyingReader(file, f"sha256:{source.sha256}"))
    except OSError as error:
        raise RuntimeBuildFailed(f"{source.tarball} can't be read: {error.strerror}") from error
    except DigestMismatch as error:
        raise RuntimeBuildFailed(
            f"{source.tarball} is not the file of the recipe: {error.message}",
            hint="Get the right file, or put its SHA-256 into the recipe.",
        ) from error


def _installed(files: RootFiles) -> tuple[InstalledPackage, ...]:
    """Return the Debian packages in a root's dpkg status; their digests are unknown."""
    return parse_packages(files.read(_DPKG_STATUS).decode(errors="replace"))


def _variables(env: tuple[str, ...]) -> dict[str, str]:
    return dict(item.partition("=")[::2] for item in env)
