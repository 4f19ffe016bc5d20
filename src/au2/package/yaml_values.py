"""Nodes → plain values, by YAML 1.2's core schema (section 10.3.2), limited to JSON's values."""

import re
from typing import Any

from au2.package.text import refuse
from au2.package.yaml_nodes import Mapping, Node, Scalar, Sequence

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,1000}", re.ASCII)
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+", re.ASCII)
_OTHER_BASE = re.compile(r"0o[0-7]{1,300}|0x[0-9a-fA-F]{1,300}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_NOT_JSON = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def is_null(node: Node | None) -> bool:
    """Whether nothing is written, or ``null``."""
    return node is None or (isinstance(node, Scalar) and node.plain and node.text in _NULL)


def to_value(node: Node, file: str) -> Any:
    """Return the node as a value of ``json.loads``.

    Raises:
        InvalidPackage: a number outside JSON (infinite, undefined, with a leading zero).
    """
    match node:
        case Mapping(items=items):
            return {key.text: to_value(value, file) for key, value in items}
        case Sequence(items=elements):
            return [to_value(element, file) for element in elements]
        case Scalar(plain=False, text=text):
            return text
        case Scalar():
            return _plain(node, file)


def _plain(node: Scalar, file: str) -> Any:
    text = node.text
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if _LEADING_ZERO.fullmatch(text):
        # A zip code would lose its zero in silence, and readers of YAML 1.1 count in eights.
        message = f"'{text}' is a number with a zero in front: quote it, or leave the zero out"
        refuse(message, file, node.start.line + 1)
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _NOT_JSON.fullmatch(text) or (_FLOAT.fullmatch(text) and abs(float(text)) == float("inf")):
        refuse(f"'{text}' is not a JSON number", file, node.start.line + 1)
    return float(text) if _FLOAT.fullmatch(text) else text
