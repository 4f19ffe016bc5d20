"""Entries of a tar archive, composed of header blocks and extension headers.

Extension headers hold values too large for ustar: PAX records, or GNU's long names. Only the format
itself is checked here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from au2.domain.errors import InvalidImage
from au2.oci.tar import header as tar_header
from au2.oci.tar.header import BLOCK_BYTES, Header, padding, parse_header
from au2.oci.tar.paths import shown
from au2.oci.tar.source import TarSource
from au2.oci.tar.sparse import SparseHeader, find_sparse_header

_XATTR = "SCHILY.xattr."
_SPARSE_HINT = "Write the archive without `-S`, or in the PAX format: `tar --format=pax -S`."
_EXTENSIONS = frozenset(
    {tar_header.PAX, tar_header.PAX_GLOBAL, tar_header.GNU_LONG_NAME, tar_header.GNU_LONG_LINK}
)
_EMPTY_BLOCK = bytes(BLOCK_BYTES)


@dataclass(frozen=True, slots=True)
class RawEntry:
    """Entry as stated by the archive. ``content_bytes`` follow in the stream, then padding."""

    path: str
    type: bytes
    mode: int
    uid: int
    gid: int
    modified_at: int
    content_bytes: int
    target: str
    xattrs: Mapping[str, bytes]
    sparse: SparseHeader | None = None
    """Of a sparse file: ``content_bytes`` are not all of it."""

    @property
    def size_bytes(self) -> int:
        """Size of the file, with its holes."""
        return self.content_bytes if self.sparse is None else self.sparse.size_bytes


@dataclass(slots=True)
class _Extension:
    """Content of the extension headers before an entry."""

    records: dict[str, bytes] = field(default_factory=dict)
    gnu_name: bytes = b""
    gnu_target: bytes = b""
    pending: bool = False


def read_entries(source: TarSource, limit: int, *, must_end: bool) -> Iterator[RawEntry]:
    """Yield the entries; callers read or skip each content before the next entry.

    Raises:
        InvalidImage: damaged or cut off, a sparse file in the old GNU form, or more than ``limit``
            headers.
    """
    extension = _Extension()
    seen = 0
    while (header := _next_header(source, must_end)) is not None:
        seen += 1
        if seen > limit:
            raise InvalidImage(f"the {source.what} has more than {limit} entries")
        if header.type in _EXTENSIONS:
            _read_extension(source, header, extension)
        else:
            yield _put_together(header, extension)
            extension = _Extension()
    if extension.pending:
        raise InvalidImage("the archive is cut off after an extension header")


def _next_header(source: TarSource, must_end: bool) -> Header | None:
    """Return the next header; None at the end mark, which is two empty blocks."""
    block = source.read_block(BLOCK_BYTES)
    if not block and must_end:
        raise InvalidImage("the archive is cut off: it has no end mark")
    if block and block != _EMPTY_BLOCK:
        return parse_header(block)
    if block and source.read_block(BLOCK_BYTES) not in (b"", _EMPTY_BLOCK):
        raise InvalidImage("the archive is damaged: an empty block between its entries")
    return None


def _read_extension(source: TarSource, header: Header, extension: _Extension) -> None:
    size = header.size_bytes
    if not 0 <= size <= tar_header.MAX_HEADER_BYTES:
        raise InvalidImage(f"an extension header of the archive says it has {size} bytes")
    data = source.read_exactly(size)
    source.skip(padding(size))
    match header.type:
        case tar_header.PAX:
            extension.records = tar_header.parse_records(data)
        case tar_header.GNU_LONG_NAME:
            extension.gnu_name = data.partition(b"\0")[0]
        case tar_header.GNU_LONG_LINK:
            extension.gnu_target = data.partition(b"\0")[0]
        case _:
            return  # Global headers hold comments; Docker applies none of what they say either.
    extension.pending = True


def _put_together(header: Header, extension: _Extension) -> RawEntry:
    records = extension.records
    sparse = find_sparse_header(records)
    own_name = sparse.name if sparse is not None else b""
    path = _decode(own_name or extension.gnu_name or records.get("path") or header.name)
    if header.type == tar_header.GNU_SPARSE:
        raise InvalidImage(
            f"{shown(path)} is a sparse file in GNU tar's own form, not supported",
            hint=_SPARSE_HINT,
        )
    if sparse is not None and header.type not in tar_header.REGULAR_TYPES:
        raise InvalidImage(f"{shown(path)} is a sparse file, but no file")
    size = _number(records, "size", header.size_bytes)
    has_content = header.type not in tar_header.TYPES_WITHOUT_CONTENT
    if has_content and not 0 <= size < 1 << 62:
        raise InvalidImage(f"{shown(path)} says it has {size} bytes")
    return RawEntry(
        path=path,
        type=header.type,
        mode=header.mode,
        uid=_number(records, "uid", header.uid),
        gid=_number(records, "gid", header.gid),
        modified_at=_number(records, "mtime", header.modified_at),
        content_bytes=size if has_content else 0,
        target=_decode(extension.gnu_target or records.get("linkpath") or header.link_name),
        xattrs={
            key.removeprefix(_XATTR): value
            for key, value in records.items()
            if key.startswith(_XATTR)
        },
        sparse=sparse,
    )


def _number(records: Mapping[str, bytes], key: str, default: int) -> int:
    """Return a number of the records; an empty one means "as the header says"."""
    value = records.get(key)
    return tar_header.parse_whole(value) if value else default


def _decode(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
