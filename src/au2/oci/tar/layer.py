"""Reader of untrusted layers: every entry is checked before use.

A layer is a tar archive of changes (OCI image specification, "Image Layer Filesystem Changeset").
Every yielded path stays inside the root. Files on disk are not known here: unpacking must not
follow symbolic links of earlier entries out of the root.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from au2.domain.errors import InvalidImage
from au2.oci.streams import Readable
from au2.oci.tar import header as tar_header
from au2.oci.tar.entries import RawEntry, read_entries
from au2.oci.tar.header import padding
from au2.oci.tar.paths import MAX_PATH_BYTES, clean_path, shown
from au2.oci.tar.source import MemberContent, TarSource
from au2.oci.tar.sparse import SparseContent

WHITEOUT_PREFIX = ".wh."
OPAQUE_NAME = ".wh..wh..opq"
MOST_ENTRIES = 1_000_000
"""Of one layer."""
_INTERNAL_PREFIX = ".wh..wh."
_MAX_XATTR_NAME_BYTES = 255
_MAX_XATTR_BYTES = 1 << 16
_MAX_ID = (1 << 32) - 2
_MAX_TIME = 1 << 33


class MemberType(StrEnum):
    """Type of a layer's member."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    """Symbolic; ``target`` is anything, absolute is normal."""
    HARD_LINK = "hard-link"
    """``target`` is a clean path inside the root."""
    DEVICE = "device"
    """A device node: to be left out."""
    FIFO = "fifo"
    WHITEOUT = "whiteout"
    """``path`` is gone, as far as lower layers had it."""
    OPAQUE = "opaque"
    """The folder ``path`` shows nothing of lower layers."""


@dataclass(frozen=True, slots=True)
class LayerLimits:
    """Limits of one layer."""

    entries: int = MOST_ENTRIES
    """Headers of any kind."""
    stream_bytes: int = 64 << 30
    """Uncompressed size of the whole archive, with all holes of its sparse files."""
    sparse_parts: int = 1_000_000
    """Of all its sparse files."""


@dataclass(frozen=True, slots=True)
class LayerMember:
    """Member of a layer: one change of the file system."""

    path: str
    """Clean and relative; ``""`` is the root folder. Bytes not UTF-8 are lone surrogates."""
    type: MemberType
    mode: int = 0
    """Permission bits with set-user-id, set-group-id and sticky."""
    uid: int = 0
    gid: int = 0
    modified_at: int = 0
    """Seconds since 1970."""
    size_bytes: int = 0
    target: str = ""
    xattrs: Mapping[str, bytes] = field(default_factory=dict)
    content: Readable | None = field(default=None, compare=False)
    """Of a file: to be read before the next member is asked for; the rest is passed over."""


_TYPES = {
    tar_header.HARD_LINK: MemberType.HARD_LINK,
    tar_header.SYMBOLIC_LINK: MemberType.LINK,
    tar_header.CHARACTER_DEVICE: MemberType.DEVICE,
    tar_header.BLOCK_DEVICE: MemberType.DEVICE,
    tar_header.DIRECTORY: MemberType.DIRECTORY,
    tar_header.FIFO: MemberType.FIFO,
    **dict.fromkeys(tar_header.REGULAR_TYPES, MemberType.FILE),
}


def read_layer(
    stream: Readable, limits: LayerLimits | None = None, *, must_end: bool = True
) -> Iterator[LayerMember]:
    """Yield the changes of an uncompressed layer in their order, reading ``stream`` to its end.

    Args:
        stream: the archive; a compressed one goes through
            :func:`au2.oci.decompression.decompressed`.
        limits: limits of the layer.
        must_end: whether an archive without an end mark is refused as cut off. Some tools write
            none; where a digest is checked below, none is needed.

    Raises:
        InvalidImage: damaged, cut off, unsafe, of an unsupported kind, or over a limit.
    """
    limits = limits or LayerLimits()
    source = TarSource(stream, limits.stream_bytes)
    holes = _Holes(limits)
    for entry in read_entries(source, limits.entries, must_end=must_end):
        member = _judge(entry)
        content = MemberContent(source, entry.content_bytes)
        whole = content if entry.sparse is None else holes.fill(content, entry, source.position)
        if member is not None:
            is_file = member.type is MemberType.FILE
            yield replace(member, content=whole) if is_file else member
        content.finish(padding(entry.content_bytes))
    source.drain()


class _Holes:
    """Counter of holes and parts of a layer's sparse files."""

    def __init__(self, limits: LayerLimits) -> None:
        self._limits = limits
        self._hole_bytes = self._parts = 0

    def fill(self, content: MemberContent, entry: RawEntry, position: int) -> SparseContent:
        assert entry.sparse is not None  # noqa: S101 - called for those
        path = shown(entry.path)
        self._hole_bytes += max(0, entry.size_bytes - entry.content_bytes)
        if position + entry.content_bytes + self._hole_bytes > self._limits.stream_bytes:
            raise InvalidImage(
                f"the sparse file {path} has {entry.size_bytes} bytes with its holes: the layer is "
                f"larger than {self._limits.stream_bytes} bytes"
            )
        whole = SparseContent(content, entry.sparse)
        self._parts += len(whole.parts)
        if self._parts > self._limits.sparse_parts:
            raise InvalidImage(
                f"the layer's sparse files have more than {self._limits.sparse_parts} parts"
            )
        return whole


def _judge(entry: RawEntry) -> LayerMember | None:
    """Return the checked member; None for bookkeeping of older tools."""
    path = clean_path(entry.path)
    kind = _find_type(entry, path)
    if WHITEOUT_PREFIX in path and (part := _find_marked_part(path)) is not None:
        return _judge_marked(path, part)
    is_file = kind is MemberType.FILE
    return LayerMember(
        path=path,
        type=kind,
        mode=entry.mode,
        uid=_checked_id(entry.uid, path),
        gid=_checked_id(entry.gid, path),
        modified_at=max(0, min(entry.modified_at, _MAX_TIME)),
        size_bytes=entry.size_bytes if is_file else 0,
        target=_checked_target(entry.target, kind, path),
        xattrs=_checked_xattrs(entry.xattrs, path),
    )


def _find_type(entry: RawEntry, path: str) -> MemberType:
    kind = _TYPES.get(entry.type)
    if kind is None:
        raise InvalidImage(f"{shown(path)} is of an unsupported type: {entry.type!r}")
    if kind is MemberType.FILE and entry.path.endswith("/"):
        kind = MemberType.DIRECTORY  # As tar wrote folders before there was a type for them.
    if not path and kind is not MemberType.DIRECTORY:
        raise InvalidImage(f"the root of the layer is not a folder but a {kind}")
    return kind


def _find_marked_part(path: str) -> str | None:
    return next((part for part in path.split("/") if part.startswith(WHITEOUT_PREFIX)), None)


def _judge_marked(path: str, part: str) -> LayerMember | None:
    """Return the whiteout of a path with a marked part; None for bookkeeping of AUFS."""
    folder, _, name = path.rpartition("/")
    if part == OPAQUE_NAME and name == part:
        return LayerMember(folder, MemberType.OPAQUE)
    if part.startswith(_INTERNAL_PREFIX):
        return None  # Bookkeeping of AUFS, which Docker passes over too.
    hidden = part.removeprefix(WHITEOUT_PREFIX)
    if name != part or hidden in ("", ".", ".."):
        raise InvalidImage(f"{shown(path)} is an invalid whiteout")
    return LayerMember(f"{folder}/{hidden}" if folder else hidden, MemberType.WHITEOUT)


def _checked_id(number: int, path: str) -> int:
    if not 0 <= number <= _MAX_ID:
        raise InvalidImage(f"{shown(path)} has the uid or gid {number}, which is out of range")
    return number


def _checked_target(target: str, kind: MemberType, path: str) -> str:
    """Return the target: inside the root for a hard link, anything for a symbolic link."""
    if kind is MemberType.HARD_LINK:
        cleaned = clean_path(target)
        if not cleaned or cleaned == path or _find_marked_part(cleaned):
            raise InvalidImage(
                f"{shown(path)} is a hard link to {shown(target)}, an invalid target"
            )
        return cleaned
    if kind is not MemberType.LINK:
        return ""
    if not target or "\0" in target or len(os.fsencode(target)) > MAX_PATH_BYTES:
        raise InvalidImage(
            f"{shown(path)} is a symbolic link to {shown(target)}, an invalid target"
        )
    return target


def _checked_xattrs(xattrs: Mapping[str, bytes], path: str) -> Mapping[str, bytes]:
    for name, value in xattrs.items():
        if not name or "\0" in name or len(os.fsencode(name)) > _MAX_XATTR_NAME_BYTES:
            raise InvalidImage(f"{shown(path)} has an extended attribute with an unusable name")
        if len(value) > _MAX_XATTR_BYTES:
            raise InvalidImage(f"{shown(path)} has an extended attribute that is too long")
    return xattrs
