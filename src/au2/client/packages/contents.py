"""The contents of package files as one request body, checked while they are read."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from au2.domain.errors import Detail, InvalidPackage, UnexpectedAnswer
from au2.package.tree.entries import PackagedFile
from au2.wire.contents import HEADER_BYTES, ContentHeader, format_header

_BLOCK_BYTES: Final = 256 << 10

Progress = Callable[[int], None]
"""Told how many more bytes were handed to the connection."""


class Content(NamedTuple):
    """A content to send, once, however many files hold it."""

    path: str
    header: ContentHeader
    source: Path | bytes

    @property
    def framed_bytes(self) -> int:
        """Size in the body."""
        return HEADER_BYTES + self.header.size_bytes


def pick_contents(files: Sequence[PackagedFile], lacking: Sequence[str]) -> list[Content]:
    """Return the contents with the digests ``lacking``, in that order.

    Raises:
        UnexpectedAnswer: the server asks for what no file holds.
    """
    by_digest = {file.sha256: file for file in files if file.type == "file"}
    try:
        found = [by_digest[digest] for digest in lacking]
    except KeyError as error:
        raise UnexpectedAnswer("The server asks for a content that is not ours.") from error
    return [
        Content(file.path, ContentHeader(file.sha256, file.size_bytes), file.source)
        for file in found
    ]


def make_body(contents: Sequence[Content], progress: Progress) -> Iterator[bytes]:
    """Yield the frames (``wire.contents``) in blocks, small files together in one.

    Raises:
        InvalidPackage: a file is no longer what was listed.
    """
    waiting = bytearray()
    for content in contents:
        waiting += format_header(content.header)
        for block in _read_checked(content):
            waiting += block
            if len(waiting) >= _BLOCK_BYTES:
                progress(len(waiting))
                yield bytes(waiting)
                waiting.clear()
    if waiting:
        progress(len(waiting))
        yield bytes(waiting)


def _read_checked(content: Content) -> Iterator[bytes]:
    if isinstance(content.source, bytes):
        yield content.source
        return
    digest = hashlib.sha256()
    left_bytes = content.header.size_bytes
    try:
        with content.source.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                left_bytes -= len(block)
                if left_bytes < 0:
                    raise _changed(content)
                digest.update(block)
                yield block
    except OSError as error:
        raise _changed(content) from error
    if left_bytes or digest.hexdigest() != content.header.sha256:
        raise _changed(content)


def _changed(content: Content) -> InvalidPackage:
    detail = Detail("the file changed while it was being uploaded", file=content.path)
    return InvalidPackage(
        "The package changed while it was being uploaded.",
        hint="Upload again when nothing writes to it.",
        details=[detail],
    )
