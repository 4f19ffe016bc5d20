"""Text files of a package: UTF-8, limited in size; requirement files as pip reads them."""

import codecs
import re
from pathlib import Path
from typing import NoReturn

from au2.domain.errors import Detail, InvalidPackage
from au2.domain.wording import format_bytes

TEXT_BYTES = 1 << 20
"""Largest YAML file of a package."""
LOCK_BYTES = 8 << 20
"""Largest lock file: npm's are long."""

_MARKS = (
    # That of UTF-16 is the beginning of that of UTF-32.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"coding[:=]\s*([-\w.]+)")
_NO_CHARACTER_SETS = frozenset(
    {"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"}
)
"""Codecs of Python that are no encoding of a file; punycode takes time without end, too."""
_SAVE_AS_UTF8 = "save it as UTF-8 (PowerShell: Get-Content OLD | Set-Content -Encoding utf8 NEW)"


def read_text(path: Path, name: str) -> str:
    """Return the text of the file at ``path``, called ``name`` in messages.

    Raises:
        InvalidPackage: too large, or not UTF-8.
        OSError: unreadable.
    """
    return decode_text(read_limited(path, name), name)


def read_limited(path: Path, name: str) -> bytes:
    """Return the bytes of the file at ``path``, at most ``TEXT_BYTES``.

    Raises as :func:`read_text`.
    """
    with path.open("rb") as file:
        data = file.read(TEXT_BYTES + 1)
    if len(data) > TEXT_BYTES:
        refuse(f"the file is larger than {format_bytes(TEXT_BYTES)}", name)
    return data


def decode_text(data: bytes, name: str) -> str:
    """Return the text of a file of a package, without a byte order mark.

    Raises:
        InvalidPackage: not UTF-8; with the line.
    """
    other = find_marked_encoding(data)
    if other is not None:
        refuse(f"the file is {other.upper()}, not UTF-8: {_SAVE_AS_UTF8}", name)
    if 0 in data[:2]:
        refuse(f"the file looks like UTF-16 without a byte order mark: {_SAVE_AS_UTF8}", name, 1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        refuse("the file is not UTF-8: save it as UTF-8", name, line)


def decode_requirements(data: bytes, name: str) -> str:
    """Return the text of a ``requirements.txt``, decoded as in pip.

    The encoding is given by a byte order mark (Windows PowerShell 5 writes UTF-16), else by a
    comment in the first two lines (PEP 263), else UTF-8.

    Raises:
        InvalidPackage: the bytes do not match the given encoding.
    """
    marked, declared = find_marked_encoding(data), _find_declared_encoding(data)
    encoding = marked or declared
    if encoding is None or data.startswith(codecs.BOM_UTF8):
        return decode_text(data, name)
    try:
        if codecs.lookup(encoding).name.replace("-", "_") in _NO_CHARACTER_SETS:
            raise LookupError
        return data.decode(encoding)
    except LookupError:
        refuse(f"the encoding '{encoding[:40]}' is not known: save the file as UTF-8", name, 1)
    except UnicodeError:
        refuse(f"the file is not {encoding[:40]}, as it says: save it as UTF-8", name, 1)


def find_marked_encoding(data: bytes) -> str | None:
    """Return UTF-16 or UTF-32 if marked by a byte order mark, else None."""
    return next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)


def _find_declared_encoding(data: bytes) -> str | None:
    for line in data.split(b"\n", 2)[:2]:
        declared = _DECLARED.search(line) if line.startswith(b"#") else None
        if declared is not None:
            return declared[1].decode("ascii")
    return None


def refuse(message: str, name: str, line: int | None = None) -> NoReturn:
    """Raise InvalidPackage for one error in the file ``name``, at a one-based ``line``."""
    raise InvalidPackage(details=[Detail(message, file=name, line=line)])
