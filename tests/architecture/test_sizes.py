"""Sizes that people are told have a unit, everywhere in the code."""

import ast
import re
from collections.abc import Iterator

from tests.support.checkout import ROOT

_SOURCES = ROOT / "src" / "au2"
_UNIT = re.compile(r"-? ?(bytes?|KiB|MiB)\b")
_WORDS = re.compile(r"[a-z]{2,} [a-z]", re.IGNORECASE)
"""What a message has, and the forms of protocols and files have not."""


def unlabelled_sizes(source: str) -> Iterator[str]:
    """Return the f-strings that hold a number of bytes and no unit right behind it."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.JoinedStr) or not _WORDS.search(ast.unparse(node)):
            continue
        for value, following in zip(node.values, [*node.values[1:], None], strict=True):
            text = following.value if isinstance(following, ast.Constant) else ""
            if _is_size(value) and not _UNIT.match(str(text)) and not _follows_byte(node, value):
                yield ast.unparse(node)


def _is_size(value: ast.expr) -> bool:
    if not isinstance(value, ast.FormattedValue):
        return False
    match value.value:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return re.search(r"bytes$", name, re.IGNORECASE) is not None
    return False


def _follows_byte(node: ast.JoinedStr, value: ast.expr) -> bool:
    """Whether it is a place: "at byte 12"."""
    before = node.values[node.values.index(value) - 1]
    return isinstance(before, ast.Constant) and str(before.value).endswith("byte ")


def test_sizes_in_messages_have_a_unit() -> None:
    found = {
        str(path.relative_to(ROOT)): list(unlabelled_sizes(path.read_text()))
        for path in _SOURCES.rglob("*.py")
    }

    assert len(found) > 100
    assert {path: messages for path, messages in found.items() if messages} == {}


def test_a_size_without_a_unit_is_found() -> None:
    assert list(unlabelled_sizes('f"it has {a} bytes, at most {most_bytes} are taken"'))
    assert not list(unlabelled_sizes('f"it has {size_bytes} bytes, at most {b} MiB"'))
