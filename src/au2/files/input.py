"""Text of a file or of standard input."""

import codecs
from typing import TYPE_CHECKING

from au2.domain.errors import InvalidRequest
from au2.domain.wording import format_bytes

if TYPE_CHECKING:
    # Help and completion must not pay for it.
    from pathlib import Path

_OTHER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""Byte-order marks → encoding; the longer ones first, for they begin with the shorter ones."""


def read_text_file(path: "Path", limit_bytes: int) -> str:
    """Return the text of a file; of an endless device, the limit is read at most.

    Raises:
        InvalidRequest: the file is not UTF-8, or longer than ``limit_bytes``.
        OSError: the file can't be read.
    """
    with path.open("rb") as file:
        data = file.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise InvalidRequest(f"'{path}' is larger than {format_bytes(limit_bytes)}.")
    return decode_text(data, f"'{path}'")


def decode_text(data: bytes, what: str) -> str:
    """Return UTF-8 as text, without a byte-order mark, which editors on Windows write.

    Raises:
        InvalidRequest: the bytes are not UTF-8. The message quotes none of them: they may be a
            password.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    for mark, encoding in _OTHER_MARKS.items():
        if data.startswith(mark):
            hint = f"It begins as {encoding} does: save it as UTF-8."
            break
    else:
        hint = "Save it as UTF-8, or convert it: iconv -f latin1 -t utf8"
    raise InvalidRequest(f"The content of {what} is not text in UTF-8.", hint=hint)
