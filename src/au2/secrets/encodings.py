"""Encoded forms of a secret's value in logs, as byte strings without line ends.

A structured secret (JSON, YAML, ``.env``, INI, or PEM) also has the forms of the texts inside:
programs parse such a secret and print parts of the document rather than its lines.
"""

import base64
import json
import re
import urllib.parse
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

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
LEAST_CHARACTERS = 6
"""Shorter texts of a document (``true``, ``eu-1``, a port) are not masked."""
_YAML_TEXT = "tag:yaml.org,2002:str"
_ASSIGNMENT = re.compile(
    r"""\s*(?:export\s+)?[A-Za-z_][\w.-]*\s*=\s*(?P<value>"(?:[^"\\]|\\.)*"|'[^']*'|.*?)\s*"""
)
_PASSED_OVER = re.compile(r"\s*(?:[#;].*|\[[^\]]+\]\s*)?")
"""Empty lines, comments, and the section names of INI files."""
_PEM = re.compile(r"-----BEGIN [^-\n]+-----(?P<body>.*?)-----END [^-\n]+-----", re.DOTALL)


def find_forms(value: str) -> frozenset[bytes]:
    """Return the forms of a value and of its parts in all usual encodings.

    Parts are the lines of a plain text, or the texts inside a document.
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


def find_document_texts(value: str) -> list[str] | None:
    """Return the texts inside a structured value; None for any other value.

    Texts shorter than :data:`LEAST_CHARACTERS` are left out. A PEM block has the lines of its body
    and the body as one line, without the boundary lines.
    """
    found = _find_parsed(value)
    if found is None and _PEM.search(value) is None:
        return None
    texts = (text for leaf in (found or [value]) for text in _split_pem(leaf))
    wanted = (text.strip() for text in texts)
    return list(dict.fromkeys(text for text in wanted if len(text) >= LEAST_CHARACTERS))


def _find_parsed(value: str) -> list[str] | None:
    for parse in (_parse_json, _parse_assignments, _parse_yaml):
        found = parse(value)
        if found is not None:
            return found
    return None


def _split_pem(text: str) -> Iterator[str]:
    """Yield the bodies of PEM blocks (RFC 7468) by line and joined, and the text between them."""
    if _PEM.search(text) is None:
        yield text
        yield from text.splitlines()
        return
    yield text.replace("\r\n", "\n")
    for block in _PEM.finditer(text):
        lines = [line.strip() for line in block["body"].replace("\\n", "\n").splitlines()]
        yield "".join(lines)
        yield from lines
    yield from _PEM.sub("", text).splitlines()


def _parse_json(value: str) -> list[str] | None:
    if not value.lstrip().startswith(("{", "[")):
        return None
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return list(_json_texts(document))


def _json_texts(document: Any) -> Iterator[str]:
    waiting = [document]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _parse_assignments(value: str) -> list[str] | None:
    """Return the values of ``NAME=value`` lines; None for a text with other lines."""
    found = []
    for line in value.splitlines():
        if _PASSED_OVER.fullmatch(line):
            continue
        match = _ASSIGNMENT.fullmatch(line)
        if match is None:
            return None
        text = match["value"]
        if text[:1] in {"'", '"'}:
            found.append(text[1:-1] if len(text) > 1 and text[-1] == text[0] else text)
            found.append(found[-1].replace('\\"', '"').replace("\\n", "\n"))
        else:
            found += [text, text.partition(" #")[0]]
    return found or None


def _parse_yaml(value: str) -> list[str] | None:
    if ":" not in value and "- " not in value:
        return None
    try:
        root = YAML(typ="safe", pure=True).compose(value)
    except (YAMLError, ValueError, RecursionError):
        return None
    if not isinstance(root, MappingNode | SequenceNode):
        return None
    return list(_yaml_texts(root))


def _yaml_texts(root: Node) -> Iterator[str]:
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue  # An alias: the node was visited at its anchor.
        seen.add(id(node))
        if isinstance(node, MappingNode):
            waiting.extend(item for _, item in node.value)
        elif isinstance(node, SequenceNode):
            waiting.extend(node.value)
        elif isinstance(node, ScalarNode) and str(node.tag) == _YAML_TEXT:
            yield node.value
