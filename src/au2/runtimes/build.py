"""Recipe → image."""

import platform
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from au2.domain.errors import DigestMismatch, InvalidImage, RuntimeBuildFailed
from au2.oci import media_types
from au2.oci.config import ImageConfig
from au2.oci.descriptor import Descriptor
from au2.oci.digest import VerifyingReader
from au2.oci.mutate import AddedLayer, make_image
from au2.oci.tar import write_layer
from au2.runtimes import labels
from au2.runtimes.apt_sources import choose_sources, default_sources, read_transport_settings
from au2.runtimes.cache import CachedRuntime, RuntimeCache
from au2.runtimes.debian import make_debian_root
from au2.runtimes.packages import InstalledPackage
from au2.runtimes.recipe import DebianSource, Recipe, TarballSource
from au2.runtimes.root_files import RootFiles
from au2.runtimes.store import MODIFIED_AT, ImageStore, save_image

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64le", "s390x": "s390x"}


@dataclass(frozen=True, slots=True)
class BuiltRuntime:
    """A runtime's image, in the blob store."""

    image_digest: str
    packages: tuple[InstalledPackage, ...]
    """What is installed; empty where the recipe starts from a tarball."""
    recipe_digest: str
    from_cache: bool


def build_runtime(
    recipe: Recipe,
    blobs: ImageStore,
    *,
    mirror: str | None = None,
    cache_dir: Path | None = None,
    work_dir: Path | None = None,
    progress: Callable[[str], None],
) -> BuiltRuntime:
    """Build the recipe's image; return what points to it.

    The same recipe and the same state of the mirror give the same digest.

    Args:
        recipe: what to build.
        blobs: where the image goes.
        mirror: where Debian packages come from, see
            :func:`~au2.runtimes.apt_sources.choose_sources`.
        cache_dir: where builds are kept for other data directories; None: nowhere.
        work_dir: where a few hundred megabytes can lie meanwhile; None: the system's own place.
        progress: takes a line for people.

    Raises:
        RuntimeBuildFailed: with the reason and what to do.
        StorageFull: no room.
    """
    architecture = _ARCHITECTURES.get(platform.machine(), platform.machine())
    cache = RuntimeCache(cache_dir) if cache_dir else None
    key = f"{recipe.digest} {architecture}"
    found = cache.find(key, blobs) if cache else None
    if found is not None:
        progress(f"{recipe.name} was built before: taken from {cache_dir}")
        digest = _save(recipe, blobs, found, architecture)
        return BuiltRuntime(digest, found.packages, recipe.digest, True)
    with tempfile.TemporaryDirectory(prefix="au2-runtime-", dir=work_dir) as work:
        Path(work).chmod(0o755)  # apt downloads as a user of its own.
        made = _make_layer(recipe, blobs, Path(work), mirror, progress)
    digest = _save(recipe, blobs, made, architecture)
    if cache:
        cache.keep(key, made, blobs)
    progress(f"{recipe.name} is ready: {digest}")
    return BuiltRuntime(digest, made.packages, recipe.digest, False)


def _make_layer(
    recipe: Recipe,
    blobs: ImageStore,
    work: Path,
    mirror: str | None,
    progress: Callable[[str], None],
) -> CachedRuntime:
    files = RootFiles(work / "spool")
    packages: tuple[InstalledPackage, ...] = ()
    try:
        if isinstance(recipe.source, DebianSource):
            packages = _add_debian(recipe.source, files, work, mirror, progress)
        else:
            _add_tarball(recipe.source, files)
        files.make_ready(recipe.links)
        progress("Writing the layer")
        with blobs.writer() as writer:
            write_layer(files.entries(), writer, modified_at=MODIFIED_AT)
            return CachedRuntime(writer.commit(), writer.size_bytes, packages)
    except InvalidImage as error:
        raise RuntimeBuildFailed(f"The root file system is not usable: {error.message}") from error


def _add_debian(
    source: DebianSource,
    files: RootFiles,
    work: Path,
    mirror: str | None,
    progress: Callable[[str], None],
) -> tuple[InstalledPackage, ...]:
    sources = choose_sources(source.suite, mirror)
    for line in sources:
        progress(f"Packages from {line}")
    archive, packages = make_debian_root(
        source,
        sources=sources,
        transport_settings=read_transport_settings(),
        work=work,
        progress=progress,
    )
    with archive.open("rb") as file:
        files.add_archive(file)
    archive.unlink()
    # Not the sources that were used: their addresses and passwords are the operator's own.
    lines = "".join(f"{line}\n" for line in default_sources(source.suite))
    files.write("etc/apt/sources.list", lines.encode())
    progress(f"{len(packages)} packages are installed")
    return packages


def _add_tarball(source: TarballSource, files: RootFiles) -> None:
    try:
        with source.tarball.open("rb") as file:
            files.add_archive(VerifyingReader(file, f"sha256:{source.sha256}"))
    except OSError as error:
        raise RuntimeBuildFailed(f"{source.tarball} can't be read: {error.strerror}") from error
    except DigestMismatch as error:
        raise RuntimeBuildFailed(
            f"{source.tarball} is not the file that the recipe means: {error.message}",
            hint="Get the right file, or put its SHA-256 into the recipe.",
        ) from error


def _save(recipe: Recipe, blobs: ImageStore, layer: CachedRuntime, architecture: str) -> str:
    descriptor = Descriptor(media_types.LAYER_TAR, layer.layer_digest, layer.layer_bytes)
    told = {labels.LANGUAGE: recipe.language.value, labels.NAME: recipe.name}
    if recipe.reset_signals:
        told[labels.RESET_SIGNALS] = recipe.reset_signals
    config = ImageConfig(
        architecture=architecture,
        env=tuple(f"{name}={value}" for name, value in sorted(recipe.environment.items())),
        cmd=recipe.command,
        labels=told,
    )
    added = AddedLayer(descriptor, layer.layer_digest, f"au2 runtime {recipe.name}")
    return save_image(blobs, *make_image(config, [added]))
