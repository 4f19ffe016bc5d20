"""Image of a package on a runtime: layers, configuration, labels."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from au2.dependencies.layer_cache import BuiltDependencies
from au2.domain.jobs.container_contract import (
    HOME_DIRECTORY,
    LANGUAGE_LABEL,
    PACKAGE_DIRECTORY,
    RESET_SIGNALS_LABEL,
    USER_ID,
    Language,
    job_file_variables,
)
from au2.domain.wording import count_of
from au2.images import launcher_layer as launcher
from au2.images.launcher_layer import make_small_layer
from au2.images.plan import PackagePlan, make_plan
from au2.oci.spec.config import ImageConfig
from au2.oci.spec.image import ConfigChanges, append_layers
from au2.oci.tar.writer import (
    MODIFIED_AT,
    LayerEntry,
    bytes_entry,
    directory_entry,
    file_entry,
    link_entry,
    with_parents,
)
from au2.package.manifest import Manifest
from au2.package.tree.entries import PackageEntry, count_files, mode_of
from au2.stores.content.images import load_image, save_image, save_layer
from au2.stores.content.protocol import IngesterProvider

DEFAULT_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": HOME_DIRECTORY,
    "LANG": "C.UTF-8",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""Variables of a packaged image that neither runtime nor package sets."""
_SMALL_PACKAGE_BYTES = 8 << 20
"""Up to here a package's layer is made in memory and stored with the image in one flush."""
LAUNCHER_LABEL = "au2.launcher.version"
_PREFIX = PACKAGE_DIRECTORY.strip("/")


def build_package(
    blobs: IngesterProvider,
    runtime_image_digest: str,
    files: Sequence[PackageEntry],
    *,
    manifest: Manifest,
    environment: Mapping[str, str],
    dependencies: BuiltDependencies | None = None,
    log: Callable[[str], None],
) -> str:
    """Build the image of a packaged version; return the digest of its manifest.

    The same files on the same runtime give the same digest: no time and no id is part of the image.

    Args:
        blobs: holds the runtime's image and every content of ``files``, by digest.
        runtime_image_digest: manifest of the runtime's image.
        files: the package, already validated; ``aunsight.yml`` without process ids.
        manifest: content of ``aunsight.yml``.
        environment: content of ``env.yml``.
        dependencies: the package's dependencies, as a layer.
        log: takes a line for users.

    Raises:
        BlobMissing: a content or the runtime's image is missing or damaged.
        InvalidPackage: no entry point suits the runtime.
        StorageFull: the disk is full.
    """
    runtime = load_image(blobs, runtime_image_digest)
    log(f"Runtime image {runtime_image_digest}")
    plan = _plan(blobs, files, manifest, runtime.config)
    log(f"Entry point {plan.entry.entry_point} ({plan.entry.language})")
    size_bytes = sum(file.size_bytes for file in files)
    log(f"Package: {count_of(count_files(files), 'file')}, {size_bytes} bytes")
    launcher_layer, launcher_data = make_small_layer(launcher.launcher_layer(), "au2 launcher")
    small = {launcher_layer.descriptor.digest: launcher_data}
    if blobs.lease(launcher_layer.descriptor.digest):
        small.clear()
    log(f"Launcher layer {launcher_layer.descriptor.digest}")
    entries = _package_entries(blobs, files, plan)
    if sum(entry.size for entry in entries) <= _SMALL_PACKAGE_BYTES:
        package_layer, package_data = make_small_layer(entries, "au2 package")
        small[package_layer.descriptor.digest] = package_data
    else:
        package_layer = save_layer(blobs, entries, "au2 package", modified_at=MODIFIED_AT)
    made = package_layer.descriptor
    log(f"Package layer {made.digest}, {made.size_bytes} bytes")
    installed = [] if dependencies is None else [dependencies.layer]
    programs = "" if dependencies is None else dependencies.programs
    changes = _config_changes(runtime.config, environment, programs)
    new_manifest, config = append_layers(
        runtime.manifest, runtime.config, [launcher_layer, *installed, package_layer], changes
    )
    digest = save_image(blobs, new_manifest, config, small_layers=small)
    log(f"Image {digest}")
    return digest


def _plan(
    blobs: IngesterProvider, files: Sequence[PackageEntry], manifest: Manifest, runtime: ImageConfig
) -> PackagePlan:
    return make_plan(
        files,
        lambda file: blobs.read_bytes(f"sha256:{file.sha256}", limit_bytes=file.size_bytes),
        entry_point=manifest.entry_point,
        language=_find_language(runtime.labels),
        reset_signals=runtime.labels.get(RESET_SIGNALS_LABEL, ""),
    )


def _find_language(labels: Mapping[str, str]) -> Language | None:
    """Return the language in the labels of a runtime's image, if any."""
    try:
        return Language(labels.get(LANGUAGE_LABEL, ""))
    except ValueError:
        return None


def _package_entries(
    blobs: IngesterProvider, files: Sequence[PackageEntry], plan: PackagePlan
) -> list[LayerEntry]:
    entries = [_layer_entry(blobs, entry) for entry in files]
    entries += [
        bytes_entry(f"{_PREFIX}/{path}", data, owner=USER_ID) for path, data in plan.copies.items()
    ]
    entries = with_parents(entries, owner=USER_ID)
    settings_path = f"{launcher.LAUNCHER_PATH.rpartition('/')[0]}/entry".strip("/")
    return [*entries, *with_parents([bytes_entry(settings_path, plan.entry.to_bytes())])]


def _layer_entry(blobs: IngesterProvider, entry: PackageEntry) -> LayerEntry:
    path = f"{_PREFIX}/{entry.path}"
    if entry.type == "link":
        return link_entry(path, entry.target, owner=USER_ID)
    if entry.type == "folder":
        return directory_entry(path, owner=USER_ID, mode=mode_of(entry))
    open_content = partial(blobs.open, f"sha256:{entry.sha256}") if entry.size_bytes else None
    return file_entry(path, entry.size_bytes, open_content, mode=mode_of(entry), owner=USER_ID)


def _config_changes(
    runtime: ImageConfig, environment: Mapping[str, str], programs: str
) -> ConfigChanges:
    present = dict(item.partition("=")[::2] for item in runtime.env)
    defaults = {k: v for k, v in DEFAULT_ENVIRONMENT.items() if k not in present}
    if programs:
        path = present.get("PATH") or DEFAULT_ENVIRONMENT["PATH"]
        defaults["PATH"] = f"{programs}:{path}"
    return ConfigChanges(
        environment={**defaults, **environment, **job_file_variables()},
        labels={LAUNCHER_LABEL: launcher.LAUNCHER_VERSION},
        entrypoint=[launcher.LAUNCHER_PATH],
        cmd=[],
        user=f"{USER_ID}:{USER_ID}",
        working_dir=PACKAGE_DIRECTORY,
        stop_signal="SIGTERM",
    )
