"""Detection of saved files in a package's folder."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from au2.domain.errors import InvalidPackage
from au2.package.ignore.rules import IgnoreRules, parse_rules, read_rules
from au2.package.tree.walk import walk_package

Stamp = tuple[int, int, int, int]
"""Time, size, inode and mode of a file."""
Snapshot = Mapping[str, Stamp]
"""The package's files, by path."""


class PackagePoller:
    """Poller of a package's folder, by the files' records only.

    Polling works on every system and file system, also without change notification (network
    mounts, folders shared with a virtual machine), and needs no library. Ignored folders are not
    read, so a thousand files take milliseconds.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = os.fspath(directory)
        self.seconds = 0.0
        """How long the last look took."""

    def look(self) -> Snapshot:
        """Return the state of the package's files. Never raises for their content."""
        began = time.monotonic()
        found: dict[str, Stamp] = {}
        # A folder that is gone, or can't be read: the run itself says so.
        for file in walk_package(self._directory, _read_rules, lambda _folder, _error: None):
            if file.is_folder or file.secret is not None:
                continue
            try:
                status = file.entry.stat(follow_symlinks=False)
            except OSError:
                continue
            found[file.path] = (status.st_mtime_ns, status.st_size, status.st_ino, status.st_mode)
        self.seconds = time.monotonic() - began
        return found


def _read_rules(path: Path, name: str) -> IgnoreRules:
    try:
        return read_rules(path, name)
    except InvalidPackage:
        return parse_rules(b"")


def find_changed(before: Snapshot, after: Snapshot) -> list[str]:
    """Return the paths saved, added or removed between two snapshots, in order."""
    paths = before.keys() | after.keys()
    return sorted(path for path in paths if before.get(path) != after.get(path))
