"""Noticing that a package was saved."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from au2.domain.errors import InvalidPackage
from au2.package import names, template
from au2.package.ignore import Ignored, make_ignored
from au2.package.text import read_text

Stamp = tuple[int, int, int, int]
"""Time, size, inode and mode of a file."""
Look = Mapping[str, Stamp]
"""The package's files, by path."""


class Looker:
    """Looks at a package's folder again and again, at the files' records only.

    A look works on every system and file system, those included that send no word of changes
    (network mounts, folders shared with a virtual machine), and needs no library. It goes through
    the package's own files, never through what is ignored, so a thousand files take milliseconds.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = os.fspath(directory)
        self._rules = ""
        self._ignored: Ignored = make_ignored("")
        self._known: dict[tuple[str, bool], bool] = {}
        """What the rules say of a path: asking them takes longer than the look itself."""
        self.seconds = 0.0
        """How long the last look took."""

    def look(self) -> Look:
        """Return how the package's files are now. Never raises for what it finds there."""
        began = time.monotonic()
        self._read_rules()
        found: dict[str, Stamp] = {}
        folders = [""]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(f"{self._directory}/{folder}") as entries:
                    for entry in entries:
                        self._add(entry, f"{folder}{entry.name}", found, folders)
            except OSError:
                continue  # It is gone, or can't be read: the run itself says so.
        self.seconds = time.monotonic() - began
        return found

    def _add(
        self,
        entry: "os.DirEntry[str]",
        path: str,
        found: dict[str, Stamp],
        folders: list[str],
    ) -> None:
        is_folder = entry.is_dir(follow_symlinks=False)
        if self._is_ignored(path, is_folder):
            return
        if is_folder:
            folders.append(f"{path}/")
            return
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            return
        found[path] = (status.st_mtime_ns, status.st_size, status.st_ino, status.st_mode)

    def _is_ignored(self, path: str, is_folder: bool) -> bool:
        key = (path, is_folder)
        if key not in self._known:
            self._known[key] = self._ignored(path, is_folder)
        return self._known[key]

    def _read_rules(self) -> None:
        path = Path(self._directory, names.IGNORE)
        try:
            rules = read_text(path, names.IGNORE)
        except FileNotFoundError:
            rules = template.default_ignore_rules()
        except (OSError, InvalidPackage):
            rules = ""
        if rules != self._rules:
            self._rules = rules
            self._ignored = make_ignored(rules)
            self._known.clear()


def find_changed(before: Look, after: Look) -> list[str]:
    """Return the paths that were saved, added or removed between two looks, in order."""
    paths = before.keys() | after.keys()
    return sorted(path for path in paths if before.get(path) != after.get(path))
