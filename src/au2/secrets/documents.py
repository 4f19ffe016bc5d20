"""Texts inside structured secrets: JSON, YAML, ``.env``, INI, or PEM.

Programs parse such a secret and print parts of the document rather than its lines.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

LEAST_CHARACTERS = 6
"""Shorter texts of a document (``true``, ``eu-1``, a port) are not masked."""
_YAML_TEXT = "tag:yaml.org,2002:str"
_ASSIGNMENT = re.compile(
    r"""\s*(?:export\s+)?[A-Za-z_][\w.-]*\s*=\s*(?P<value>"(?:[^"\\]|\\.)*"|'[^']*'|.*?)\s*"""
)
_PASSED_OVER = re.compile(r"\s*(?:[#;].*|\[[^\]]+\]\s*)?")
"""Empty lines, comments, and the section names of INI files."""
_PEM = re.compile(r"-----BEGIN [^-\n]+-----(?P<body>.*?)-----END [^-\n]+-----", re.DOTALL)


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
