"""Files of a running or building machine, which are no part of a root file system's layers."""

_EMPTIED_FOLDERS = (
    "dev/",
    "proc/",
    "sys/",
    "run/",
    "tmp/",
    "var/tmp/",
    "var/log/",
    "var/cache/apt/",
    "var/cache/debconf/",
    "var/lib/apt/lists/",
)
_LEFT_OUT = frozenset({"var/lib/dbus/machine-id", "var/cache/ldconfig/aux-cache"})
EMPTIED_FILES = ("etc/hostname", "etc/resolv.conf", "etc/machine-id")
"""Files that every root has, without content."""


def is_machine_file(path: str, *, is_directory: bool) -> bool:
    """Return whether layers leave a path out; the root itself is left out, too."""
    if not path or path in _LEFT_OUT:
        return True
    for folder in _EMPTIED_FOLDERS:
        if path.startswith(folder):
            # Folders that packages made for their own logs stay.
            return not (folder == "var/log/" and is_directory)
    return False
