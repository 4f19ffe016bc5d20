"""Detection of archives damaged by PowerShell, which reads the output of programs as text.

Windows PowerShell decodes the bytes of a program by the console's code page and splits them into
lines. ``>`` writes them as UTF-16; a pipe into another program as ASCII with ``?`` for all else, or
as UTF-8; each line then ends in CR LF. PowerShell before 7.4 does so too, with UTF-8 (PowerShell
documentation, "about_Character_Encoding" and "about_Redirection").
"""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from au2.domain.errors import InvalidImage
from au2.oci.streams import CHUNK_BYTES, Readable

_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF8)
_SAVED = re.compile(r"[0-9a-f]{64}(\.json|\.tar\.gz)?$|blobs$|oci-layout$|sha256:")
"""How the first parts of paths look in archives of images."""
_LOOKED_BYTES = 16 << 20
# The second byte of gzip's header is not ASCII.
_PACKED = re.compile(rb"\x1f(?:\?|[\xc2-\xef][\x80-\xbf]{1,2})\x08")


def through_powershell() -> InvalidImage:
    """Return the error for an archive turned into text."""
    return InvalidImage(
        "this is not an image archive any more: it came through PowerShell, which takes binary "
        "data for text and changes it",
        hint="Let Docker write the file itself: `docker save -o image.tar NAME`, then give it with "
        "`--file image.tar`.",
    )


def is_text_of_archive(start: bytes) -> bool:
    """Whether these first bytes are text made of binary data."""
    return start.startswith(_MARKS) or _PACKED.match(start) is not None


class TextWatch:
    """Stream with a watch for text with Windows' line ends, never found in image archives."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._last = b""
        self._has_line = False
        self.is_binary = False
        """Whether something was read that is no such text."""

    @property
    def is_windows_text(self) -> bool:
        """Whether all bytes so far are UTF-8 with a line, and each line ends in CR LF."""
        return self._has_line and not self.is_binary

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes of the stream."""
        data = self._stream.read(size)
        if data and not self.is_binary:
            self._look(data)
        return data

    def _look(self, data: bytes) -> None:
        lines = data.count(b"\n")
        # The CR may have come with the piece before.
        self.is_binary = lines != (self._last + data).count(b"\r\n")
        self._has_line = self._has_line or lines > 0
        self._last = data[-1:]
        try:
            self._decoder.decode(data)
        except UnicodeDecodeError:
            self.is_binary = True


@contextmanager
def damage_explained(
    find_watch: Callable[[], TextWatch], names: Iterable[str] | None = None
) -> Iterator[None]:
    """Name PowerShell as the cause of errors in an archive with a good beginning.

    Args:
        find_watch: returns the watch of the archive's bytes.
        names: names of the archive's files, if readable to the end: an archive of text files is no
            damaged image.
    """
    try:
        yield
    except InvalidImage as error:
        is_saved = names is None or any(_SAVED.match(name) for name in names)
        if is_saved and find_watch().is_windows_text:
            raise through_powershell() from error
        raise


def watch_file(content: Readable) -> TextWatch:
    """Return a watch of the beginning of a file, up to a limit or the first binary byte."""
    watch, left_bytes = TextWatch(content), _LOOKED_BYTES
    while left_bytes > 0 and not watch.is_binary and (data := watch.read(CHUNK_BYTES)):
        left_bytes -= len(data)
    return watch
