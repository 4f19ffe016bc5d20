"""Libraries for user code, one per language.

Their projects are in the checkout's ``sdk/``; an installed au2 has them beside this file.
"""

from collections.abc import Mapping
from pathlib import Path

SDK_DIRECTORY = "/opt/au2/sdk"
MODULES_DIRECTORY = "node_modules"
"""JavaScript looks for modules in folders of this name beside and above the code, so one beside the
package's folder is found by ``require`` and ``import`` alike, after the package's own."""
MODULE = f"{MODULES_DIRECTORY}/aunsight"

_SHIPPED = Path(__file__).parent / "sdk_source"
_CHECKOUT = Path(__file__).parents[3] / "sdk"
_FILES: Mapping[str, str] = {
    "python/aunsight.py": "python/src/aunsight.py",
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


def sdk_files() -> dict[str, bytes]:
    """Return the files of all languages' libraries as they are installed, by relative path.

    The launcher adds their folders to ``PYTHONPATH``, ``R_LIBS`` and, for the shell's, ``PATH``.
    """
    source = _SHIPPED if _SHIPPED.is_dir() else _CHECKOUT
    return {path: (source / origin).read_bytes() for path, origin in _FILES.items()}


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
