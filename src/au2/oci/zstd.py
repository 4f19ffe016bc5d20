"""Zstandard data (RFC 8878), at most as much at a time as is asked for.

A module of its own, imported when there is such data: the library takes 10 ms to import.
"""

import sys

from au2.domain.errors import InvalidImage
from au2.oci.streams import CHUNK_BYTES, Readable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

WINDOW_LOG = 27
"""A frame may want at most 2^27 bytes (128 MiB) of window, as ``zstd`` itself takes by default."""


class ZstdReader:
    """Decompresses one or more frames."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._frame = _begin_frame()
        self._waiting = b""
        self._ended = False

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes; raises InvalidImage for what is damaged or cut off."""
        if size < 0:
            return b"".join(iter(lambda: self.read(CHUNK_BYTES), b""))
        while size and not self._ended:
            if self._frame.eof and not self._find_frame():
                break
            if data := self._decompress(size):
                return data
        return b""

    def _find_frame(self) -> bool:
        """Go on with the next frame; False: the data ends here, where it may."""
        self._waiting = self._frame.unused_data or self._stream.read(CHUNK_BYTES)
        self._ended = not self._waiting
        self._frame = _begin_frame()
        return not self._ended

    def _decompress(self, size: int) -> bytes:
        if self._frame.needs_input and not self._waiting:
            self._waiting = self._stream.read(CHUNK_BYTES)
            if not self._waiting:
                raise InvalidImage("the data is cut off: its last zstd frame has no end")
        given, self._waiting = self._waiting, b""
        try:
            return self._frame.decompress(given, size)
        except zstd.ZstdError as error:
            raise InvalidImage(f"the zstd data is damaged, or wants too much: {error}") from None


def _begin_frame() -> zstd.ZstdDecompressor:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: WINDOW_LOG})
