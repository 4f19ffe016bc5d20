"""The launcher as a layer: equal for all packages, so stored once."""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from au2.domain.jobs.container_contract import HOME_DIRECTORY, PACKAGE_DIRECTORY, USER_ID
from au2.oci.spec import media_types
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.image import AddedLayer
from au2.oci.spec.manifest import Descriptor
from au2.oci.tar.writer import (
    MODIFIED_AT,
    LayerEntry,
    bytes_entry,
    directory_entry,
    link_entry,
    with_parents,
    write_layer,
)

LAUNCHER_VERSION = "1"
"""Grows with each change of the launcher that an engine or a dispatcher can notice."""
LAUNCHER_PATH = "/opt/au2/launch"

SDK_DIRECTORY = "/opt/au2/sdk"
MODULES_DIRECTORY = "node_modules"
"""JavaScript looks for modules in folders of this name beside and above the code, so one beside the
package's folder is found by ``require`` and ``import`` alike, after the package's own."""
MODULE = f"{MODULES_DIRECTORY}/aunsight"

_SHIPPED = Path(__file__).parent / "sdk_source"
_CHECKOUT = Path(__file__).parents[3] / "sdk"
_FILES: Mapping[str, str] = {
    "python/aunsight/__init__.py": "python/src/aunsight/__init__.py",
    "python/aunsight/_json_values.py": "python/src/aunsight/_json_values.py",
    "python/aunsight/py.typed": "python/src/aunsight/py.typed",
    "sh/aunsight.sh": "sh/aunsight.sh",
    "js/aunsight/index.d.ts": "js/index.d.ts",
    "js/aunsight/index.js": "js/index.js",
    "js/aunsight/package.json": "js/package.json",
    "r/aunsight/DESCRIPTION": "r/DESCRIPTION",
    "r/aunsight/Meta/package.rds": "r/installed/package.rds",
    "r/aunsight/NAMESPACE": "r/NAMESPACE",
    "r/aunsight/R/aunsight": "r/R/aunsight.R",
}
"""Path as it is installed → path in its project."""
JAVASCRIPT = "js/aunsight"
"""The JavaScript library, as it is installed."""

_SCRIPT = Path(__file__).parent / "launcher" / "launch.sh"


def make_small_layer(entries: Iterable[LayerEntry], created_by: str) -> tuple[AddedLayer, bytes]:
    """Make an uncompressed layer in memory; return its descriptor and its bytes.

    Raises as :func:`au2.oci.tar.writer.write_layer`.
    """
    out = io.BytesIO()
    write_layer(entries, out, modified_at=MODIFIED_AT)
    data = out.getvalue()
    digest = sha256_of(data)
    descriptor = Descriptor(media_types.LAYER_TAR, digest, len(data))
    return AddedLayer(descriptor, digest, created_by), data


def launcher_script() -> bytes:
    """Return the launcher."""
    return _SCRIPT.read_bytes()


def launcher_layer() -> list[LayerEntry]:
    """Return the entries of the launcher's layer, the libraries for user code among them.

    The job's folder is there too, with empty arguments: the image alone works under `docker run`.
    """
    entries = [
        directory_entry("home"),
        directory_entry(HOME_DIRECTORY.strip("/"), owner=USER_ID),
        directory_entry(PACKAGE_DIRECTORY.strip("/"), owner=USER_ID),
        bytes_entry(LAUNCHER_PATH.strip("/"), launcher_script(), executable=True),
        directory_entry("run"),
        directory_entry("run/au2", mode=0o777),
        directory_entry("run/au2/scratch", mode=0o777),
        bytes_entry("run/au2/args.json", b"{}\n"),
        link_entry(MODULE, f"{SDK_DIRECTORY}/{JAVASCRIPT}"),
    ]
    folder = SDK_DIRECTORY.strip("/")
    entries += [bytes_entry(f"{folder}/{path}", data) for path, data in sdk_files().items()]
    return with_parents(entries)


def sdk_files() -> dict[str, bytes]:
    """Return the files of all languages' libraries as they are installed, by relative path.

    The launcher adds their folders to ``PYTHONPATH``, ``R_LIBS`` and, for the shell's, ``PATH``.
    """
    return {path: read_sdk_project(origin) for path, origin in _FILES.items()}


def read_sdk_project(path: str) -> bytes:
    """Return a file of the libraries' projects, by its path in ``sdk/``."""
    source = _SHIPPED if _SHIPPED.is_dir() else _CHECKOUT
    return (source / path).read_bytes()


def write_sdk(platform: Path, *, above_package: Path) -> None:
    """Install the libraries for a run outside an image.

    Args:
        platform: the folder for ``/opt/au2``, where the launcher looks for them.
        above_package: the parent of the package's folder.

    Raises:
        OSError: the folders are not writable.
    """
    for path, data in sdk_files().items():
        file = platform / "sdk" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        if path.startswith(f"{JAVASCRIPT}/"):
            # A copy: not every file system has links.
            module_file = above_package / MODULE / path.removeprefix(f"{JAVASCRIPT}/")
            module_file.parent.mkdir(parents=True, exist_ok=True)
            module_file.write_bytes(data)
