"""Encoded forms of a secret's value in logs, as byte strings without line ends."""

import base64
import json
import re
import urllib.parse
from collections.abc import Iterator

from au2.secrets.encodings import find_document_texts

LEAST_BYTES = 4
"""Shorter values and lines of a value are not masked: they occur everywhere."""
MOST_LINES = 1000
"""Most lines of a value, or texts of a document, with forms of their own: each costs one search of
the whole log."""
_MOST_ENCODED = 50
"""Most texts of a document with base64 and hexadecimal forms."""
_WRAPPED_BYTES = 8 << 10
"""Longest value with forms for the lines of wrapped base64; longer ones had thousands."""
_SHELL_SPECIAL = re.compile(r"[^\w@%+=:,./-]", re.ASCII)
"""Characters that shells escape by a backslash outside quotes."""
_IN_DOUBLE_QUOTES = re.compile(r'["\\$`]')
_WRAPS = (64, 76)
"""Line lengths of base64: OpenSSL's; MIME's and that of the tool ``base64``."""


def find_forms(value: str) -> frozenset[bytes]:
    """Return the forms of a value and of its parts in all usual encodings.

    Parts are the lines of a plain text, or the texts inside a document (:mod:`.documents`).
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
    """Yield ``repr`` and ``ascii`` of the text, and ``repr`` of its bytes.

    The surrounding text decides about the quotes, so both escapes of quotes are yielded.
    """
    for written in (repr(text)[1:-1], ascii(text)[1:-1], repr(text.encode())[2:-1]):
        plain = written.replace("\\'", "'")
        yield plain
        yield plain.replace("'", "\\'")


def _shell_forms(text: str) -> Iterator[str]:
    """Yield the text as quoted in a command line, also by ``set -x``."""
    yield text.replace("'", "'\\''")
    yield text.replace("'", "'\"'\"'")
    yield _SHELL_SPECIAL.sub(r"\\\g<0>", text)
    yield _IN_DOUBLE_QUOTES.sub(r"\\\g<0>", text)


def _lower_escapes(quoted: str) -> str:
    """``%2F`` → ``%2f``."""
    first, *rest = quoted.split("%")
    return "%".join([first, *(part[:2].lower() + part[2:] for part in rest)])


def _base64_forms(data: bytes) -> Iterator[bytes]:
    """Yield base64 of ``data`` alone, and its certain part inside longer data.

    Longer data has three alignments to groups of three bytes. Characters at the ends depend on
    the neighbouring bytes too and are left out.
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
