"""Masking of secrets in a raw log, in the container runtime interface's log format."""

from au2.secrets.masking import LineMasker, Masker
from au2.stores.logs.record import STDERR, STDOUT

_PARTIAL_RECORDS = tuple(f" {stream} P ".encode() for stream in (STDOUT, STDERR))


class LogMasker:
    """Converter from raw records to records with secrets masked.

    The result depends on the records of the raw log alone, not on the chunks of reading: after
    a restart the same bytes come out, and copying goes on at the end of the stored log.
    """

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._lines = {stream.encode(): LineMasker(masker) for stream in (STDOUT, STDERR)}
        self._last_times = dict.fromkeys(self._lines, b"")

    def feed(self, records: bytes) -> bytes:
        """Return masked whole records; the begin of a possible secret is held back."""
        if self._is_harmless(records):
            return records
        return b"".join(self._mask(line) for line in records.split(b"\n")[:-1])

    def end(self) -> bytes:
        """Return the bytes held back, at the end of the log."""
        shown = b""
        for stream, lines in self._lines.items():
            content = lines.feed(b"", is_end=True)
            if content:
                shown += _format(self._last_times[stream], stream, b"P", content)
        return shown

    def _is_harmless(self, records: bytes) -> bool:
        """Whether all lines are whole and hold no secret: a quick check for most logs."""
        return (
            all(lines.is_idle for lines in self._lines.values())
            and not any(mark in records for mark in _PARTIAL_RECORDS)
            and not self._masker.is_in(records)
        )

    def _mask(self, line: bytes) -> bytes:
        time, stream, tag, content = (*line.split(b" ", 3), b"", b"", b"")[:4]
        lines = self._lines.get(stream)
        if lines is None or tag not in (b"P", b"F"):
            # No record: only masked.
            return self._masker.mask(line) + b"\n"
        self._last_times[stream] = time
        shown = lines.feed(content, is_end=tag == b"F")
        return _format(time, stream, tag, shown) if shown or tag == b"F" else b""


def _format(time: bytes, stream: bytes, tag: bytes, content: bytes) -> bytes:
    return b" ".join((time, stream, tag, content)) + b"\n"
