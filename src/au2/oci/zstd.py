"""Zstandard decompression (RFC 8878), in pieces of bounded size.

A module of its own, imported when there is such data: the library takes 10 ms to import.
"""

import sys

from au2.domain.errors import InvalidImage
from au2.domain.wording import format_bytes
from au2.oci.decompression import ExpansionGuard
from au2.oci.streams import INPUT_BYTES, ChunkReader, Readable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_LARGE_WINDOW = "too much memory"
"""What the library says of a frame whose window is larger than it was allowed."""


class ZstdReader(ChunkReader):
    """Decompression of one or more frames, whose windows have at most ``window_bytes``.

    Reading raises InvalidImage for damaged or cut off data.
    """

    def __init__(self, stream: Readable, window_bytes: int) -> None:
        super().__init__()
        self._stream = stream
        self._window_bytes = window_bytes
        self._guard = ExpansionGuard()
        self._frame = self._begin_frame()
        self._waiting = b""
        self._ended = False

    def read_some(self, size: int) -> bytes:
        """Return up to ``size`` bytes, nothing only at the end."""
        while size and not self._ended:
            if self._frame.eof:
                self._waiting = self._frame.unused_data or self._take()
                if not self._waiting:
                    self._ended = True
                    break
                self._frame = self._begin_frame()
            if data := self._decompress(size):
                return self._guard.give(data)
        return b""

    def _decompress(self, size: int) -> bytes:
        if self._frame.needs_input and not self._waiting:
            self._waiting = self._take()
            if not self._waiting:
                raise InvalidImage("the data is cut off: its last zstd frame has no end")
        given, self._waiting = self._waiting, b""
        try:
            return self._frame.decompress(given, size)
        except zstd.ZstdError as error:
            raise self._explain(error) from None

    def _take(self) -> bytes:
        return self._guard.take(self._stream.read(INPUT_BYTES))

    def _begin_frame(self) -> zstd.ZstdDecompressor:
        self._guard.begin_member()
        window_log = self._window_bytes.bit_length() - 1
        return zstd.ZstdDecompressor(
            options={zstd.DecompressionParameter.window_log_max: window_log}
        )

    def _explain(self, error: zstd.ZstdError) -> InvalidImage:
        if _LARGE_WINDOW not in str(error):
            return InvalidImage(f"the zstd data is damaged: {error}")
        return InvalidImage(
            f"the zstd data needs a window of more than {format_bytes(self._window_bytes)}",
            hint="Compress it with a lower level (zstd: at most 19) and without --long.",
        )
