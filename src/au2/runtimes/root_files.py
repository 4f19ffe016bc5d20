"""Root file system as layer entries, independent of the building machine."""

import io
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from au2.oci.decompression import decompressed
from au2.oci.machine_files import EMPTIED_FILES, is_machine_file
from au2.oci.streams import CHUNK_BYTES, Readable, open_slice
from au2.oci.tar.layer import LayerMember, MemberType, read_layer
from au2.oci.tar.paths import parent_paths
from au2.oci.tar.writer import EntryType, LayerEntry, directory_entry, link_entry, with_parents

USER_NAME = "au2"
USER_ID = 1000
HOME = f"home/{USER_NAME}"

_PROGRAMS = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin")
_TYPES = {
    MemberType.FILE: EntryType.FILE,
    MemberType.DIRECTORY: EntryType.DIRECTORY,
    MemberType.LINK: EntryType.LINK,
    MemberType.HARD_LINK: EntryType.HARD_LINK,
}


class RootFiles:
    """Files of a root. Their contents are spooled: a layer is written in another order."""

    def __init__(self, spool: Path) -> None:
        self._spool = spool
        self._entries: dict[str, LayerEntry] = {}

    def add_archive(self, stream: Readable) -> None:
        """Add the files of a tar archive, compressed or not.

        Devices, FIFOs and the files of a running system are left out. Raises InvalidImage for a
        damaged or unsafe archive.
        """
        with self._spool.open("ab") as spool:
            for member in read_layer(decompressed(stream)):
                if not is_machine_file(
                    member.path, is_directory=member.type is MemberType.DIRECTORY
                ):
                    self._take(member, spool)

    def add_layer(self, stream: Readable) -> None:
        """Apply a layer, whiteouts included. Raises InvalidImage for a damaged or unsafe one."""
        of_this_layer: set[str] = set()
        with self._spool.open("ab") as spool:
            for member in read_layer(stream):
                if member.type in (MemberType.WHITEOUT, MemberType.OPAQUE):
                    self._take_away(member, of_this_layer)
                elif member.path:
                    if member.type is not MemberType.DIRECTORY:
                        self._take_away(member, set())
                    self._take(member, spool)
                    of_this_layer.add(member.path)

    def _take(self, member: LayerMember, spool: BinaryIO) -> None:
        entry_type = _TYPES.get(member.type)
        if entry_type is None:
            return
        offset = _copy(member, spool)
        self._entries[member.path] = LayerEntry(
            member.path,
            entry_type,
            member.mode,
            member.uid,
            member.gid,
            member.size_bytes,
            member.target,
            partial(open_slice, self._spool, offset, member.size_bytes),
        )

    def _take_away(self, member: LayerMember, kept: set[str]) -> None:
        """Remove a path (unless its folder is only emptied) and all paths below."""
        below = f"{member.path}/" if member.path else ""
        if member.type is not MemberType.OPAQUE and member.path not in kept:
            gone = self._entries.pop(member.path, None)
            if gone is None or gone.type is not EntryType.DIRECTORY:
                return
        for path in [path for path in self._entries if path.startswith(below)]:
            if path not in kept:
                del self._entries[path]

    def write(self, path: str, data: bytes) -> None:
        """Set the content of a file; an existing file keeps mode and owner."""
        present = self._entries.get(path, LayerEntry(path, EntryType.FILE, 0o644))
        self._entries[path] = replace(
            present, type=EntryType.FILE, size=len(data), target="", open=lambda: io.BytesIO(data)
        )

    def read(self, path: str) -> bytes:
        """Return the content of a small file; empty if there is none."""
        entry = self._entries.get(path)
        if entry is None or entry.type is not EntryType.FILE or entry.open is None:
            return b""
        with entry.open() as file:
            return file.read()

    @property
    def is_empty(self) -> bool:
        """Whether there are no files, as on a base whose layers were not read."""
        return not self._entries

    def has_command(self, name: str) -> bool:
        """Return whether a folder of programs has one of this name."""
        return any(f"{folder}/{name}" in self._entries for folder in _PROGRAMS)

    def link(self, path: str, target: str) -> None:
        """Set a symbolic link."""
        self._entries[path] = link_entry(path, target)

    def make_ready(self, links: Mapping[str, str]) -> None:
        """Remove the files of the building machine, and add the user of packaged versions."""
        for path in EMPTIED_FILES:
            self._entries.pop(path, None)  # Its mode may be the host's too.
            self.write(path, b"")
        for path, target in links.items():
            self.link(path.strip("/"), target)
        self._add_user()

    def add_members(self, members: Iterable[LayerMember]) -> None:
        """Add members of a layer during its reading."""
        with self._spool.open("ab") as spool:
            for member in members:
                self._take(member, spool)

    def changed(self, make: "Callable[[RootFiles], None]") -> list[LayerEntry]:
        """Return the entries of a layer with the changes by ``make``."""
        before = dict(self._entries)
        make(self)
        return self.with_parents(
            [entry for path, entry in self._entries.items() if before.get(path) != entry]
        )

    def with_parents(self, entries: Sequence[LayerEntry]) -> list[LayerEntry]:
        """Return ``entries`` and their parent folders, with modes and owners of this root.

        A link in place of a folder is returned too, and then no layer can be written.
        """
        known = {entry.path for entry in entries}
        above = {path for entry in entries for path in parent_paths(entry.path)} - known
        present = [self._entries[path] for path in sorted(above) if path in self._entries]
        return with_parents([*entries, *present])

    def entries(self) -> list[LayerEntry]:
        """Return the entries of the layer."""
        files = {path for path, entry in self._entries.items() if entry.type is EntryType.FILE}
        kept = [
            entry
            for entry in self._entries.values()
            if entry.type is not EntryType.HARD_LINK or entry.target in files
        ]
        return with_parents(kept)

    def _add_user(self) -> None:
        for path, line in (
            ("etc/passwd", f"{USER_NAME}:x:{USER_ID}:{USER_ID}::/{HOME}:/bin/sh"),
            ("etc/group", f"{USER_NAME}:x:{USER_ID}:"),
        ):
            text = self.read(path)
            if not _has_id(text, USER_ID):
                ended = text if not text or text.endswith(b"\n") else text + b"\n"
                self.write(path, ended + line.encode() + b"\n")
        self._entries[HOME] = directory_entry(HOME, owner=USER_ID)


def _copy(member: LayerMember, spool: BinaryIO) -> int:
    offset = spool.tell()
    if member.content is not None:
        shutil.copyfileobj(member.content, spool, CHUNK_BYTES)
    return offset


def _has_id(text: bytes, number: int) -> bool:
    for line in text.split(b"\n"):
        parts = line.split(b":")
        if len(parts) > 2 and parts[2] == b"%d" % number:
            return True
    return False
