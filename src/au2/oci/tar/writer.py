"""Writer of layers and archives: equal content gives equal bytes on every machine."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from io import BytesIO
from typing import BinaryIO

from au2.domain.errors import DigestMismatch, InvalidImage
from au2.oci.streams import CHUNK_BYTES, Writable
from au2.oci.tar import header as tar_header
from au2.oci.tar.header import Header, format_header, format_records, padding
from au2.oci.tar.paths import clean_path, parent_paths, shown

FILE_MODE = 0o644
EXECUTABLE_MODE = 0o755
DIRECTORY_MODE = 0o755
LINK_MODE = 0o777
MODIFIED_AT = 315_532_800
"""1980-01-01: the time of every file in the platform's own layers. A ZIP archive can't hold an
earlier one, and jobs write ZIP archives."""


class EntryType(StrEnum):
    """Type of a written entry."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    """A symbolic link; its target is written as it is."""
    HARD_LINK = "hard-link"
    """Another name of a file that is in the same archive."""


_TYPE_FLAGS = {
    EntryType.FILE: tar_header.REGULAR,
    EntryType.DIRECTORY: tar_header.DIRECTORY,
    EntryType.LINK: tar_header.SYMBOLIC_LINK,
    EntryType.HARD_LINK: tar_header.HARD_LINK,
}


@dataclass(frozen=True, slots=True)
class LayerEntry:
    """Entry of an archive, without time and user name: they would differ."""

    path: str
    """Relative, ``/``-separated, normalised."""
    type: EntryType
    mode: int
    uid: int = 0
    gid: int = 0
    size: int = 0
    """Bytes of the content."""
    target: str = ""
    """Where a link points."""
    open: Callable[[], BinaryIO] | None = None
    """Opens the content of a file; called once, when it is that file's turn. None: empty."""


def file_entry(
    path: str,
    size: int,
    open: Callable[[], BinaryIO] | None,  # noqa: A002 - what it does
    *,
    executable: bool = False,
    mode: int | None = None,
    owner: int = 0,
) -> LayerEntry:
    """Return a file; without ``mode``, one of two modes, independent of the machine's umask."""
    if mode is None:
        mode = EXECUTABLE_MODE if executable else FILE_MODE
    return LayerEntry(path, EntryType.FILE, mode, owner, owner, size, open=open)


def bytes_entry(path: str, data: bytes, *, executable: bool = False, owner: int = 0) -> LayerEntry:
    """Return a file with its content in memory."""
    return file_entry(path, len(data), partial(BytesIO, data), executable=executable, owner=owner)


def directory_entry(path: str, *, owner: int = 0, mode: int = DIRECTORY_MODE) -> LayerEntry:
    """Return a folder."""
    return LayerEntry(path, EntryType.DIRECTORY, mode, owner, owner)


def link_entry(path: str, target: str, *, owner: int = 0) -> LayerEntry:
    """Return a symbolic link."""
    return LayerEntry(path, EntryType.LINK, LINK_MODE, owner, owner, target=target)


def with_parents(entries: Iterable[LayerEntry], *, owner: int = 0) -> list[LayerEntry]:
    """Return ``entries`` and all missing folders above them, owned by ``owner``.

    A layer replaces folders of lower layers, so pass folders of another owner as entries.
    """
    complete = list(entries)
    known = {entry.path for entry in complete}
    for entry in tuple(complete):
        for path in reversed(parent_paths(entry.path)):
            if path in known:
                break  # Its own parents are seen to when it is its turn, or were.
            known.add(path)
            complete.append(directory_entry(path, owner=owner))
    return complete


def write_layer(entries: Iterable[LayerEntry], out: Writable, *, modified_at: int = 0) -> None:
    """Write an archive of ``entries``, sorted so folders come before their content.

    Raises as :func:`format_layer`.
    """
    for block in format_layer(entries, modified_at=modified_at):
        out.write(block)


def format_layer(entries: Iterable[LayerEntry], *, modified_at: int = 0) -> Iterator[bytes]:
    """Yield the archive of :func:`write_layer` in blocks, at the caller's pace.

    Only the entries are held in memory, contents stream. Names too long for ustar get a PAX
    header.

    Raises:
        InvalidImage: a path is not normalised, is there twice, or lies in a file.
        DigestMismatch: the size of a content does not match its entry.
    """
    ordered = sorted(entries, key=_order)
    _check(ordered)
    for entry in ordered:
        yield from _format_entry(entry, modified_at)
        if entry.type == EntryType.FILE:
            yield from _read_content(entry)
    yield tar_header.END_OF_ARCHIVE


def measure_layer(entries: Collection[LayerEntry]) -> int:
    """Return the size of the archive in bytes; no content is opened.

    Raises InvalidImage as :func:`format_layer`.
    """
    _check(sorted(entries, key=_order))
    return len(tar_header.END_OF_ARCHIVE) + sum(
        sum(map(len, _format_entry(entry, 0))) + entry.size + padding(entry.size)
        for entry in entries
    )


def _order(entry: LayerEntry) -> tuple[bool, list[str]]:
    """Sort by the parts of the path: parents come first, and hard links after their targets."""
    return entry.type == EntryType.HARD_LINK, entry.path.split("/")


def _check(entries: list[LayerEntry]) -> None:
    types: dict[str, EntryType] = {}
    for entry in entries:
        if entry.path in types:
            raise InvalidImage(f"{shown(entry.path)} is in the archive twice")
        if not entry.path or clean_path(entry.path) != entry.path:
            raise InvalidImage(f"{shown(entry.path)} is not a normalised relative path")
        for parent in parent_paths(entry.path):
            if types.get(parent, EntryType.DIRECTORY) != EntryType.DIRECTORY:
                raise InvalidImage(
                    f"{shown(entry.path)} lies in {shown(parent)}, which is no folder"
                )
        if entry.type == EntryType.HARD_LINK and types.get(entry.target) != EntryType.FILE:
            raise InvalidImage(f"{shown(entry.path)} names {shown(entry.target)}, which is no file")
        types[entry.path] = entry.type


def _format_entry(entry: LayerEntry, modified_at: int) -> Iterator[bytes]:
    name = _encode(entry.path + ("/" if entry.type == EntryType.DIRECTORY else ""))
    target = _encode(entry.target)
    records: dict[str, bytes] = {}
    header = Header(
        name=_short_text(name, "path", records),
        mode=entry.mode & 0o7777,
        uid=_small_number(entry.uid, tar_header.MAX_OCTAL_8, "uid", records),
        gid=_small_number(entry.gid, tar_header.MAX_OCTAL_8, "gid", records),
        size_bytes=_small_number(entry.size, tar_header.MAX_OCTAL_12, "size", records),
        modified_at=modified_at,
        type=_TYPE_FLAGS[entry.type],
        link_name=_short_text(target, "linkpath", records),
    )
    if records:
        yield from _format_pax(records, modified_at)
    yield format_header(header)


def _format_pax(records: dict[str, bytes], modified_at: int) -> Iterator[bytes]:
    data = format_records(records)
    yield format_header(
        Header(b"././@PaxHeader", 0o644, 0, 0, len(data), modified_at, tar_header.PAX, b"")
    )
    yield data + bytes(padding(len(data)))


def _encode(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidImage(f"the name {shown(text)} is not UTF-8") from None


def _short_text(value: bytes, key: str, records: dict[str, bytes]) -> bytes:
    """Return the header's text; the whole of a longer one goes into ``records``."""
    if b"\0" in value:
        raise InvalidImage(f"the name {shown(value.decode())} holds a NUL")
    if len(value) <= tar_header.NAME_BYTES and value.isascii():
        return value
    records[key] = value
    return value.decode("utf-8").encode("ascii", "replace")[: tar_header.NAME_BYTES]


def _small_number(value: int, largest: int, key: str, records: dict[str, bytes]) -> int:
    if value < 0:
        raise InvalidImage(f"an entry of the archive has a negative {key}")
    if value <= largest:
        return value
    records[key] = b"%d" % value
    return 0


def _read_content(entry: LayerEntry) -> Iterator[bytes]:
    """Yield a content to its very end, for the check of a verifying reader."""
    written = 0
    if entry.open is not None:
        with entry.open() as content:
            while data := content.read(CHUNK_BYTES):
                written += len(data)
                if written > entry.size:
                    break
                yield data
    if written != entry.size:
        raise DigestMismatch(f"{shown(entry.path)} does not have the stated {entry.size} bytes")
    if padded := padding(entry.size):
        yield bytes(padded)
