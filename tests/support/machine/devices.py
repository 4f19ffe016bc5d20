"""Device nodes in a folder of their own: no test may touch those of the machine."""

import os
import stat
from pathlib import Path
from typing import Final

NULL: Final = 3
"""Takes everything and keeps nothing, as ``/dev/null``; the minor number of memory devices."""
ZERO: Final = 5
"""Never ends when it is read, as ``/dev/zero``."""
FULL: Final = 7
"""Has no space left, as ``/dev/full``."""
_MEMORY_DEVICES: Final = 1


def make_device(path: Path, minor: int) -> Path:
    """Make a character device that everybody may write to, and return ``path``."""
    os.mknod(path, stat.S_IFCHR, os.makedev(_MEMORY_DEVICES, minor))
    path.chmod(0o666)
    return path
