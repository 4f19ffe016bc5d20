"""``args.schema.yml`` and ``out.schema.yml``: JSON Schema 2020-12 written as YAML."""

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from au2.domain.errors import Detail, InvalidPackage
from au2.domain.json_value import parse_pointer
from au2.jsonschema.subschemas import LISTS, MAPPINGS, SINGLE
from au2.package import yaml_nodes
from au2.package.names import ARGS_SCHEMA, OUT_SCHEMA
from au2.package.text import read_text
from au2.package.yaml_values import is_null, to_value

_KEYWORDS: Final = frozenset(
    {
        *SINGLE,
        *LISTS,
        *MAPPINGS,
        *("$schema", "$id", "$ref", "$anchor", "$dynamicRef", "$dynamicAnchor", "$vocabulary"),
        *("$comment", "title", "description", "default", "deprecated", "examples"),
        *("readOnly", "writeOnly", "type", "enum", "const", "format", "pattern"),
        *("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
        *("minContains", "maxContains", "minProperties", "maxProperties"),
        *("required", "dependentRequired", "contentEncoding", "contentMediaType"),
    }
)
_LIKENESS: Final = 0.8
"""``typ`` is as like ``type`` as that, ``unit`` like nothing."""


def load_schema(text: str, file: str) -> dict[str, Any] | None:
    """Return the schema as a JSON object, or None for an empty file: not structured.

    Boolean schemas are returned as the equivalent objects ``{}`` and ``{"not": {}}``.

    Raises:
        InvalidPackage: not YAML or not a schema, with all violations: file, line and pointer.
    """
    root = yaml_nodes.parse_nodes(text, file)
    if root is None or is_null(root):
        return None
    value = to_value(root, file)
    if isinstance(value, bool):
        return {} if value else {"not": {}}
    violations = find_object_schema_violations(value)
    if violations:
        raise InvalidPackage(details=[_with_line(found, root, file) for found in violations])
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

    if violations := find_schema_violations(document, patient=patient):
        return violations
    if document and _KEYWORDS.isdisjoint(document):
        # JSON Schema takes any keyword, and so every file; one with none of its own is not meant.
        shown = ", ".join(f"'{name}'" for name in list(document)[:3])
        return [Detail(f"this is no JSON Schema: it knows no keyword of these ({shown})", "")]
    types = document.get("type", "object")
    if types == "object" or (isinstance(types, list) and "object" in types):
        return []
    return [Detail("arguments and output are objects: write 'type: object'", "/type")]


def _with_line(violation: Detail, root: yaml_nodes.Node, file: str) -> Detail:
    line = _find_line(root, parse_pointer(violation.pointer or ""))
    where = f"{violation.pointer}: " if violation.pointer else ""
    return replace(violation, message=f"{where}{violation.message}", file=file, line=line + 1)


def _find_line(node: yaml_nodes.Node, path: tuple[str, ...]) -> int:
    """Return the line of the value at ``path``, or of its nearest existing parent."""
    line = node.start.line
    for token in path:
        if isinstance(node, yaml_nodes.Mapping) and (item := node.find(token)) is not None:
            line, node = item[0].start.line, item[1]
        elif (
            isinstance(node, yaml_nodes.Sequence)
            and token.isdecimal()
            and int(token) < len(node.items)
        ):
            node = node.items[int(token)]
            line = node.start.line
        else:
            break
    return line


def find_mistyped_keywords(schema: Mapping[str, Any]) -> dict[str, str]:
    """Return unknown top-level names, each with the similar keyword.

    JSON Schema ignores unknown keywords, which most likely are typing errors.
    """
    open_to_guess = sorted(_KEYWORDS - schema.keys())
    unknown = (name for name in schema if name not in _KEYWORDS)
    guesses = ((name, get_close_matches(name, open_to_guess, 1, _LIKENESS)) for name in unknown)
    return {name: guess[0] for name, guess in guesses if guess}
