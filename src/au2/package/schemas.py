"""``args.schema.yml`` and ``out.schema.yml``: JSON Schema 2020-12 written as YAML."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from au2.domain.errors import Detail, InvalidPackage
from au2.domain.json_value import parse_pointer
from au2.jsonschema.keywords import has_no_keyword
from au2.package.names import ARGS_SCHEMA, OUT_SCHEMA
from au2.package.text import read_text
from au2.package.yaml_nodes import Mapping, Node, Sequence, parse_nodes
from au2.package.yaml_values import is_null, to_value


def load_schema(text: str, file: str) -> dict[str, Any] | None:
    """Return the schema as a JSON object, or None for an empty file: not structured.

    Boolean schemas are returned as the equivalent objects ``{}`` and ``{"not": {}}``.

    Raises:
        InvalidPackage: not YAML or not a schema, with all violations: file, line and pointer.
    """
    root = parse_nodes(text, file)
    if root is None or is_null(root):
        return None
    value = to_value(root, file)
    if isinstance(value, bool):
        return {} if value else {"not": {}}
    mistakes = find_object_schema_violations(value)
    if mistakes:
        raise InvalidPackage(details=[_placed(mistake, root, file) for mistake in mistakes])
    schema: dict[str, Any] = value
    return schema


def load_schemas(directory: Path) -> dict[str, dict[str, Any] | None]:
    """Return the schemas of the valid package in ``directory``, by file."""
    files = [name for name in (ARGS_SCHEMA, OUT_SCHEMA) if (directory / name).is_file()]
    return {name: load_schema(read_text(directory / name, name), name) for name in files}


def find_object_schema_violations(document: Any, *, patient: bool = True) -> list[Detail]:
    """Return the violations of ``document`` as a schema of arguments or output, with pointers.

    Raises:
        Conflict: not ``patient``, and too many expensive schema checks wait already.
    """
    # Only packages with a schema wait for this: the library takes longer to load than the rest.
    from au2.jsonschema.check import find_schema_violations  # noqa: PLC0415

    return (
        find_schema_violations(document, patient=patient)
        or _find_kind_mistake(document)
        or _find_type_mistake(document)
    )


def _find_kind_mistake(schema: dict[str, Any]) -> list[Detail]:
    """JSON Schema takes any keyword, and so every file; one with none of its own is not meant."""
    if not has_no_keyword(schema):
        return []
    shown = ", ".join(f"'{name}'" for name in list(schema)[:3])
    return [Detail(f"this is no JSON Schema: it knows no keyword of these ({shown})", "")]


def _find_type_mistake(schema: dict[str, Any]) -> list[Detail]:
    types = schema.get("type", "object")
    if types == "object" or (isinstance(types, list) and "object" in types):
        return []
    return [Detail("arguments and output are objects: write 'type: object'", "/type")]


def _placed(mistake: Detail, root: Node, file: str) -> Detail:
    """Return the violation with the line of its pointer."""
    line = _find_line(root, parse_pointer(mistake.pointer or ""))
    where = f"{mistake.pointer}: " if mistake.pointer else ""
    return replace(mistake, message=f"{where}{mistake.message}", file=file, line=line + 1)


def _find_line(node: Node, path: tuple[str, ...]) -> int:
    """Return the line of the value at ``path``, or of its nearest existing parent."""
    line = node.start.line
    for token in path:
        if isinstance(node, Mapping) and (item := node.find(token)) is not None:
            line, node = item[0].start.line, item[1]
        elif isinstance(node, Sequence) and token.isdecimal() and int(token) < len(node.items):
            node = node.items[int(token)]
            line = node.start.line
        else:
            break
    return line
