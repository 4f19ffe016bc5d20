r"""Logs on a terminal, with control sequences written out.

A job of another user may have written the log, and terminals act on control sequences: they set the
clipboard and the title, draw over other text, and send answers as if typed. Colours and the
sequences of progress bars stay; all others are written out, as ``\x1b``.
"""

import codecs
import re

_STYLE = r"\x1b\[[0-9;:]{0,64}[mK]"
"""Colours (SGR), and clearing the rest of the line, as progress bars do."""
_SEEN = re.compile(
    rf"(?P<style>{_STYLE})"
    # C0 but tab, line feed, carriage return and backspace; DEL; C1; what turns the direction of
    # text round (UAX #9), so that a line reads as another one; separators of lines.
    r"|[\x00-\x07\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)
_UNFINISHED = re.compile(r"\x1b(\[[0-9;:]{0,64})?\Z")
"""What may become a style with the next piece."""


class SafeLog:
    """Makes the bytes of one stream harmless, piece by piece."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._rest = ""

    def feed(self, data: bytes) -> bytes:
        """Return the shown form of the next piece; half a sequence waits for the piece after."""
        text = self._rest + self._decoder.decode(data)
        unfinished = _UNFINISHED.search(text)
        end = len(text) if unfinished is None else unfinished.start()
        self._rest = text[end:]
        return _written_out(text[:end])

    def end(self) -> bytes:
        """Return the rest at the end of the log."""
        text, self._rest = self._rest + self._decoder.decode(b"", final=True), ""
        return _written_out(text)


def _written_out(text: str) -> bytes:
    return _SEEN.sub(_shown, text).encode()


def _shown(found: re.Match[str]) -> str:
    return found[0] if found["style"] else found[0].encode("unicode_escape").decode("ascii")
