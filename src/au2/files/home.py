"""The home folder of the user of this process."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

NO_HOME: Final = Path("/nonexistent")
"""A missing folder, for optional files of a home folder; Debian's name for none."""


def find_home(environment: Mapping[str, str]) -> Path | None:
    """Return the home folder; None: there is none.

    Containers run with ids without a passwd entry (OpenShift, ``docker run -u``), and services
    without ``HOME``. Unlike ``~`` in a shell, an empty ``HOME`` is none.
    """
    stated = environment.get("HOME")
    if stated is not None and os.name == "posix":
        path = Path(stated)
        return path if path.is_absolute() else None
    try:
        return Path.home()
    except RuntimeError:
        return None
