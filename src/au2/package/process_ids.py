"""Process ids in ``aunsight.yml``: added after an upload, removed before one.

Edits are made in the text, line by line, so everything else stays as written.
"""

from collections.abc import Mapping
from typing import Any

from au2.domain.errors import InvalidPackage
from au2.package import names
from au2.package.manifest import PROCESSES
from au2.package.yaml_nodes import Mapping as MappingNode
from au2.package.yaml_nodes import Node, Scalar, parse_nodes
from au2.package.yaml_values import to_value


def set_process_id(text: str, key: str, process_id: str) -> str:
    """Return ``text`` with the process id of the context ``key`` added or replaced.

    Raises:
        InvalidPackage: ``text`` is not YAML, or can't be edited by lines.
    """
    lines, root = _read(text)
    found = root.find(PROCESSES)
    ids = _scalars(found[1]) if found else {}
    if found is None:
        at = _end_of(lines, root)
        lines[at:at] = _section({key: process_id})
    elif not _set_in_block(lines, found[1], key, process_id):
        lines[found[0].start.line : _line_after(found[1])] = _section(ids | {key: process_id})
    return _verified(lines, _values(root) | {PROCESSES: ids | {key: process_id}})


def without_process_ids(text: str) -> str:
    """Return ``text`` without its process ids: the same before and after :func:`set_process_id`.

    Raises:
        InvalidPackage: as :func:`set_process_id`.
    """
    lines, root = _read(text)
    found = root.find(PROCESSES)
    if found is None:
        return "".join(lines)
    del lines[found[0].start.line : _line_after(found[1])]
    values = _values(root)
    del values[PROCESSES]
    return _verified(lines, values)


def _read(text: str) -> tuple[list[str], MappingNode]:
    root = parse_nodes(text, names.MANIFEST)
    if not isinstance(root, MappingNode) or root.flow or not root.items:
        raise InvalidPackage(f"{names.MANIFEST} must hold 'key: value' lines.")
    # The parser's line ends, not str.splitlines(), which knows many more.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not lines[-1]:
        lines.pop()
    return [f"{line}\n" for line in lines], root


def _values(root: Node) -> dict[str, Any]:
    values: dict[str, Any] = to_value(root, names.MANIFEST)
    return values


def _verified(lines: list[str], values: dict[str, Any]) -> str:
    """Return the edited text; anchors and the like may have put nodes where no line says so."""
    text = "".join(lines)
    root = parse_nodes(text, names.MANIFEST)
    if root is None or _values(root) != values:
        raise InvalidPackage(
            f"'{PROCESSES}' in {names.MANIFEST} can't be edited by the program.",
            hint=f"Write '{PROCESSES}:' on a line of its own, 'KEY: ID' lines below, no anchors.",
        )
    return text


def _line_after(node: Node) -> int:
    last: Node = node
    # A block ends where the next token begins, behind comments that are not its own.
    while isinstance(last, MappingNode) and not last.flow and last.items:
        last = last.items[-1][1]
    end = last.end
    return end.line if end.column == 0 and end.line > last.start.line else end.line + 1


def _end_of(lines: list[str], root: MappingNode) -> int:
    """Return where a section can be added: the end, unless a ``...`` stands there."""
    after = _line_after(root)
    rest = (line.strip() for line in lines[after:])
    return len(lines) if all(not line or line.startswith("#") for line in rest) else after


def _set_in_block(lines: list[str], section: Node, key: str, process_id: str) -> bool:
    """Set one line of the section; return whether the section's form allows an edit."""
    if not isinstance(section, MappingNode) or section.flow or not section.items:
        return False
    present = section.find(key)
    if present is None:
        indent = " " * section.items[0][0].start.column
        lines.insert(_line_after(section), f"{indent}{key}: {process_id}\n")
        return True
    start, end = present[1].start, present[1].end
    before = lines[start.line][: start.column]
    if start.line != end.line or not before.endswith(" "):
        return False
    lines[start.line] = f"{before}{process_id}{lines[start.line][end.column :]}"
    return True


def _section(ids: Mapping[str, str]) -> list[str]:
    return [f"{PROCESSES}:\n", *(f"  {key}: {process_id}\n" for key, process_id in ids.items())]


def _scalars(node: Node) -> dict[str, str]:
    if not isinstance(node, MappingNode):
        return {}
    return {key.text: value.text for key, value in node.items if isinstance(value, Scalar)}
