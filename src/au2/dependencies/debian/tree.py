"""Changes of a whole root file system, received from a build container, as layer entries."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from au2.dependencies.received_tree import ReceivedFiles
from au2.domain.errors import DependenciesFailed, InvalidImage
from au2.domain.jobs.container_contract import PACKAGE_DIRECTORY, USER_ID
from au2.oci.machine_files import EMPTIED_FILES, is_machine_file
from au2.oci.tar.layer import WHITEOUT_PREFIX, LayerMember, MemberType
from au2.oci.tar.paths import clean_path, parent_paths, shown
from au2.oci.tar.writer import EntryType, LayerEntry, bytes_entry, link_entry, with_parents

_LARGEST_ID = 65_535
"""Of the ids in a container's user namespace."""
_MOST_USERS_BYTES = 1 << 20
_USERS = "etc/passwd"
_OF_CONTAINERS = frozenset({*EMPTIED_FILES, "etc/hosts", "etc/mtab", ".dockerenv"})
_PACKAGE = PACKAGE_DIRECTORY.strip("/")
_PLATFORM = "opt/au2"
_KEPT_AS_THEY_ARE = {MemberType.FILE: EntryType.FILE, MemberType.DIRECTORY: EntryType.DIRECTORY}


class SystemTree(ReceivedFiles):
    """Received files with their own modes and owners, and removed paths as whiteouts.

    Left out are device nodes, FIFOs, sockets, extended attributes and files of the machine.

    Args:
        folder: folder of the file with the contents.
        max_bytes: limit for all contents.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        super().__init__(folder, max_bytes)
        self._removed: tuple[str, ...] = ()

    def remove(self, paths: Iterable[bytes]) -> None:
        """Note absolute paths that are gone. Raises DependenciesFailed."""
        try:
            cleaned = {clean_path(os.fsdecode(path)) for path in paths}
        except InvalidImage as error:
            raise DependenciesFailed(
                f"the removed files are not usable: {error.message}"
            ) from error
        self._removed = tuple(path for path in sorted(cleaned) if not _is_left_out(path))

    def make_layer(self) -> list[LayerEntry]:
        """Return the entries of the layer. Raises DependenciesFailed: not to be used by jobs."""
        found = {entry.path: entry for entry in self.entries}
        removed = set(self._removed)
        whiteouts = [
            _whiteout(path)
            for path in self._removed
            if path not in found and not _is_below_another(path, removed, found)
        ]
        self._check_users(found, removed)
        return with_parents([*found.values(), *whiteouts])

    def _keep(
        self, member: LayerMember, contents: BinaryIO, entries: Mapping[str, LayerEntry]
    ) -> LayerEntry | None:
        path = member.path
        if _is_left_out(path, is_directory=member.type is MemberType.DIRECTORY):
            return None
        if member.type in (MemberType.DEVICE, MemberType.FIFO):
            return None
        if path == _PACKAGE or path.startswith(f"{_PACKAGE}/"):
            raise InvalidImage(f"{shown(path)} is in the folder of the uploaded package")
        if not _is_text(path) or not _is_text(member.target):
            raise InvalidImage(f"{shown(path)} has a name that is not UTF-8")
        if max(member.uid, member.gid) > _LARGEST_ID:
            raise InvalidImage(f"{shown(path)} belongs to a user that containers do not have")
        if member.type is MemberType.HARD_LINK:
            return self._copy(member, entries)
        if member.type is MemberType.LINK:
            return replace(link_entry(path, member.target), uid=member.uid, gid=member.gid)
        entry_type = _KEPT_AS_THEY_ARE.get(member.type)
        if entry_type is None:
            raise InvalidImage(f"{shown(path)} has a name that layers can't hold")
        entry = LayerEntry(path, entry_type, member.mode, member.uid, member.gid)
        if entry_type is EntryType.DIRECTORY:
            return entry
        size, opened = self._store(member, contents)
        return replace(entry, size=size, open=opened)

    def _check_users(self, found: Mapping[str, LayerEntry], removed: set[str]) -> None:
        """Refuse a root without the user of jobs."""
        users = found.get(_USERS)
        if users is None and not removed & {_USERS, "etc"}:
            return
        text = b""
        if users is not None and users.open is not None and users.size <= _MOST_USERS_BYTES:
            with users.open() as file:
                text = file.read()
        fields = [line.split(b":") for line in text.split(b"\n")]
        if not any(len(one) > 3 and one[2] == b"%d" % USER_ID for one in fields):
            raise DependenciesFailed(
                f"the Debian packages remove the user {USER_ID}, as which jobs run.",
                hint="Leave out the package that changes /etc/passwd.",
            )


def _is_left_out(path: str, *, is_directory: bool = False) -> bool:
    return (
        is_machine_file(path, is_directory=is_directory)
        or path in _OF_CONTAINERS
        or path == _PLATFORM
        or path.startswith(f"{_PLATFORM}/")
    )


def _is_text(path: str) -> bool:
    """Return whether a path is UTF-8; layers are written with such names only."""
    return not any("\ud800" <= char <= "\udfff" for char in path)


def _is_below_another(path: str, removed: set[str], found: Mapping[str, LayerEntry]) -> bool:
    """Return whether a path is gone anyway: with a folder above, or as that is no folder now."""
    for above in parent_paths(path):
        entry = found.get(above)
        if above in removed or (entry is not None and entry.type is not EntryType.DIRECTORY):
            return True
    return False


def _whiteout(path: str) -> LayerEntry:
    folder, _, name = path.rpartition("/")
    if WHITEOUT_PREFIX in path or not _is_text(path):
        raise DependenciesFailed(f"{shown(path)} has a name that layers can't hold.")
    return bytes_entry(f"{folder}/{WHITEOUT_PREFIX}{name}".lstrip("/"), b"")
