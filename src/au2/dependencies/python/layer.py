"""Layer with a package's Python dependencies, and the link by which Python finds them. Pure."""

import io
from collections.abc import Iterable

from au2.oci.tar.writer import LayerEntry, directory_entry, file_entry, with_parents

DIRECTORY = "/opt/au2/python"
_LINK_NAME = "au2-dependencies.pth"
# Python's `site` module reads it, so no variable of env.yml can remove it. Its place in the path is
# after the standard library and before the runtime's packages, so that overrides are found first.
_LINK = (
    "import site, sys; n = len(sys.path); "
    f"site.addsitedir({DIRECTORY!r}); a = sys.path[n:]; del sys.path[n:]; "
    "i = [d.endswith(('site-packages', 'dist-packages')) for d in [*sys.path, 'site-packages']]"
    ".index(True); sys.path[i:i] = a\n"
)


def make_entries(tree: Iterable[LayerEntry], site_directory: str) -> list[LayerEntry]:
    """Return the entries of the layer.

    Args:
        tree: the installed files.
        site_directory: folder that the runtime's Python reads ``.pth`` files from.
    """
    data = _LINK.encode()
    link = f"{site_directory}/{_LINK_NAME}".strip("/")
    entries = [
        *tree,
        directory_entry(DIRECTORY.strip("/")),
        file_entry(link, len(data), lambda: io.BytesIO(data)),
    ]
    return with_parents(entries)
