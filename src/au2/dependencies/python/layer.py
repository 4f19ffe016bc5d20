"""Where Python packages are in an image, and how the runtime's Python finds them. Pure."""

import io
from collections.abc import Iterable

from au2.oci.tar.writer import LayerEntry, directory_entry, file_entry, with_parents

DIRECTORY = "/opt/au2/python"
_LINK_NAME = "au2-dependencies.pth"
# Read by Python's `site` module, so a variable of env.yml can't take it away. After the standard
# library, before the runtime's own packages: what is installed over one of those is found first.
_LINK = (
    "import site, sys; n = len(sys.path); "
    f"site.addsitedir({DIRECTORY!r}); a = sys.path[n:]; del sys.path[n:]; "
    "i = [d.endswith(('site-packages', 'dist-packages')) for d in [*sys.path, 'site-packages']]"
    ".index(True); sys.path[i:i] = a\n"
)


def make_entries(tree: Iterable[LayerEntry], site_directory: str) -> list[LayerEntry]:
    """Return a layer of what was installed, which a Python that reads ``site_directory`` finds."""
    data = _LINK.encode()
    link = f"{site_directory}/{_LINK_NAME}".strip("/")
    entries = [
        *tree,
        directory_entry(DIRECTORY.strip("/")),
        file_entry(link, len(data), lambda: io.BytesIO(data)),
    ]
    return with_parents(entries)
