"""In which forms a secret's value may turn up in a text, as byte strings without line ends."""

import base64
import json
import re
import urllib.parse
from collections.abc import Iterator

from au2.secrets.documents import find_document_texts

LEAST_BYTES = 4
"""Shorter values, and shorter lines of a value, are not looked for: they would be everywhere."""
MOST_LINES = 1000
"""Further lines of a value, and further texts of a document, are not looked for alone: each is one
more search of the whole log."""
_MOST_ENCODED = 50
"""Of so many texts of a document base64 and hexadecimal are looked for, too."""
_WRAPPED_BYTES = 8 << 10
"""Of longer values the pieces of wrapped base64 are not looked for: there would be thousands."""
_SHELL_SPECIAL = re.compile(r"[^\w@%+=:,./-]", re.ASCII)
"""What shells put a backslash before, where no quotes are."""
_IN_DOUBLE_QUOTES = re.compile(r'["\\$`]')
_WRAPS = (64, 76)
"""How long lines of base64 are: OpenSSL's, and those of MIME and the tool ``base64``."""


def find_forms(value: str) -> frozenset[bytes]:
    """Return what to look for, so that the value, usual encodings and its parts are found.

    Parts are the lines of a plain text, and the texts inside a document (:mod:`.documents`).
    """
    forms: set[bytes] = set()
    if len(value.strip().encode()) < LEAST_BYTES:
        return frozenset()
    for text in {value, value.strip()}:
        forms.update(_whole_forms(text))
    texts = find_document_texts(value)
    if texts is None:
        texts = [line.strip() for line in value.strip().splitlines()]
    else:
        for text in texts[:_MOST_ENCODED]:
            forms.update(_whole_forms(text))
    for text in texts[:MOST_LINES]:
        forms.update(_line_forms(text))
    return frozenset(
        form
        for form in forms
        if len(form) >= LEAST_BYTES and b"\n" not in form and b"\r" not in form
    )


def _whole_forms(text: str) -> Iterator[bytes]:
    data = text.encode()
    if len(data) < LEAST_BYTES:
        return
    yield from _line_forms(text)
    yield from _base64_forms(data)
    yield data.hex().encode()
    yield data.hex().upper().encode()


def _line_forms(text: str) -> Iterator[bytes]:
    """Yield the text itself and with the escapes of JSON, URLs, shells and Python."""
    if len(text.encode()) < LEAST_BYTES:
        return
    yield text.encode()
    for is_ascii in (True, False):
        yield json.dumps(text, ensure_ascii=is_ascii)[1:-1].encode()
    yield json.dumps(text)[1:-1].replace("/", "\\/").encode()
    yield from (form.encode() for form in _python_forms(text))
    yield from (form.encode() for form in _shell_forms(text))
    for safe in ("", "/", "!'()*"):
        quoted = urllib.parse.quote(text, safe=safe)
        yield quoted.encode()
        yield _lower_escapes(quoted).encode()
    yield urllib.parse.quote_plus(text).encode()


def _python_forms(text: str) -> Iterator[str]:
    """Yield what ``repr`` and ``ascii`` write of the text, and ``repr`` of its bytes.

    Which quotes go around it, and so get a backslash inside, may hang on what else is there.
    """
    for written in (repr(text)[1:-1], ascii(text)[1:-1], repr(text.encode())[2:-1]):
        plain = written.replace("\\'", "'")
        yield plain
        yield plain.replace("'", "\\'")


def _shell_forms(text: str) -> Iterator[str]:
    """Yield the text as it stands in a command line, also as ``set -x`` shows it."""
    yield text.replace("'", "'\\''")
    yield text.replace("'", "'\"'\"'")
    yield _SHELL_SPECIAL.sub(r"\\\g<0>", text)
    yield _IN_DOUBLE_QUOTES.sub(r"\\\g<0>", text)


def _lower_escapes(quoted: str) -> str:
    """``%2F`` → ``%2f``."""
    first, *rest = quoted.split("%")
    return "%".join([first, *(part[:2].lower() + part[2:] for part in rest)])


def _base64_forms(data: bytes) -> Iterator[bytes]:
    """Yield base64 of ``data`` alone, and what is certain of it inside something longer.

    There it may begin at any of three places in a group of three bytes; the characters at its ends
    hang on its neighbours too and are left out.
    """
    alone = base64.b64encode(data)
    found = [alone, alone.rstrip(b"=")]
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + data)
        first = -(-shift * 8 // 6)
        last = (shift + len(data)) * 8 // 6
        found.append(encoded[first:last])
    if len(data) <= _WRAPPED_BYTES:
        for width in _WRAPS:
            found += [alone[start : start + width] for start in range(0, len(alone), width)]
    for form in found:
        yield form
        yield form.translate(bytes.maketrans(b"+/", b"-_"))
