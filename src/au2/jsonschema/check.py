"""Validity of a document as a schema: all violations, each with its JSON pointer."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import jsonschema_rs

from au2.domain.errors import CheckTooCostly, Detail
from au2.domain.json_value import find_json_error, format_pointer, measure_depth
from au2.jsonschema.check_process import compile_in_process
from au2.jsonschema.cost import LIGHT_STEPS, Cost, EndlessRecursion, measure
from au2.jsonschema.defaults import Defaults
from au2.jsonschema.references import References
from au2.jsonschema.subschemas import LISTS, MAPPINGS, SINGLE, Subschema, all_subschemas
from au2.jsonschema.violations import (
    DIALECT,
    MOST_VIOLATIONS,
    compile_schema,
    explain,
    explain_schema_error,
)

_DEEPEST = 64
"""Levels of objects and lists in a schema."""
_MOST_NODES = 20_000
"""Values in a schema, however deep."""
_MOST_SUBSCHEMAS_WITH_DEFAULTS = 2_000
"""Larger schemas' defaults are not looked at before they are used."""
_LARGEST_CHECKED_DEFAULT = 4096
_DIALECTS = {DIALECT, f"{DIALECT}#"}
_OLD_KEYWORDS = {
    "dependencies": "use 'dependentRequired' or 'dependentSchemas'",
    "$recursiveRef": "use '$dynamicRef'",
    "$recursiveAnchor": "use '$dynamicAnchor'",
    "id": "use '$id'",
}
_HERE = "https://schema.invalid/"
"""Where the schema stands for references into it; nothing is ever fetched."""
_TYPES = "array, boolean, integer, null, number, object, string"


def find_schema_violations(document: Any, *, patient: bool = True) -> list[Detail]:
    """Return the violations of ``document`` as a schema, each with its JSON pointer.

    The time is bounded for any document: nothing is fetched, and expensive steps run in a
    process with limits.

    Raises:
        Conflict: not ``patient``, and too many such processes are waited for already.
    """
    if not isinstance(document, dict):
        return [Detail("a schema is a mapping", "")]
    if violation := _find_size_violation(document):
        return [Detail(violation, "")]
    subschemas = list(all_subschemas(document))
    dialect = compile_schema({"$ref": DIALECT})
    violations = [
        found for subschema in subschemas for found in _find_keyword_violations(subschema, dialect)
    ]
    if not violations:
        violations = list(_find_reference_violations(References(document)))
    if violations:
        return violations[:MOST_VIOLATIONS]
    return _find_deeper_violations(document, subschemas, patient=patient)[:MOST_VIOLATIONS]


def _find_size_violation(document: Mapping[str, Any]) -> str | None:
    if measure_depth(document) > _DEEPEST:
        return f"the schema is nested deeper than {_DEEPEST} levels"
    if violation := find_json_error(document):
        return f"this is no JSON: {violation}"
    count = 0
    waiting: list[Any] = [document]
    while waiting:
        item = waiting.pop()
        count += 1
        if count > _MOST_NODES:
            return f"the schema holds more than {_MOST_NODES} values"
        if isinstance(item, dict | list):
            waiting.extend(item.values() if isinstance(item, dict) else item)
    return None


def _find_keyword_violations(
    subschema: Subschema, dialect: jsonschema_rs.Validator
) -> Iterator[Detail]:
    """Return the violations in one schema, without its subschemas."""
    path, schema = subschema
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        yield Detail("a schema is a mapping, true or false", format_pointer(path))
        return
    for keyword, hint in _OLD_KEYWORDS.items():
        if keyword in schema:
            pointer = format_pointer((*path, keyword))
            yield Detail(f"'{keyword}' is not in JSON Schema 2020-12: {hint}", pointer)
    if "$schema" in schema and schema["$schema"] not in _DIALECTS:
        pointer = format_pointer((*path, "$schema"))
        yield Detail(f"only JSON Schema 2020-12 is supported: {DIALECT}", pointer)
    for error in dialect.iter_errors(_alone(schema)):
        pointer = format_pointer((*path, *error.instance_path))
        if error.instance_path[:1] == ["type"]:
            yield Detail(f"expected one or more of {_TYPES}", pointer)
        elif isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Format):
            yield Detail(explain_schema_error(error), pointer)
        else:
            yield from (Detail(found.message, pointer) for found in explain(error, None, None))


def _alone(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema with ``true`` for each subschema: those are checked by themselves."""
    alone: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in SINGLE:
            alone[keyword] = True
        elif keyword in LISTS and isinstance(value, list):
            alone[keyword] = [True] * len(value)
        elif keyword in MAPPINGS and isinstance(value, dict):
            # The names of this one are patterns: they are looked at one by one, later.
            names = () if keyword == "patternProperties" else value
            alone[keyword] = dict.fromkeys(names, True)
        elif keyword not in {"default", "examples", "const", "enum", "pattern"}:
            alone[keyword] = value
        elif keyword in {"examples", "enum"}:
            alone[keyword] = value[:1] if isinstance(value, list) else value
    return alone


def _find_reference_violations(references: References) -> Iterator[Detail]:
    for path, schema in references.schemas.items():
        for keyword in ("$ref", "$dynamicRef"):
            if not isinstance(schema, dict) or keyword not in schema:
                continue
            if references.find(path, schema[keyword]) is None:
                text = str(schema[keyword])
                yield Detail(_explain_reference(text), format_pointer((*path, keyword)))


def _explain_reference(text: str) -> str:
    if text.startswith("#"):
        return f"there is no schema at '{text}' in this file"
    return f"'{text}' is outside this file: put it under '$defs' and refer to '#/$defs/…'"


def _find_deeper_violations(
    document: dict[str, Any], subschemas: list[Subschema], *, patient: bool
) -> list[Detail]:
    try:
        cost = measure(References(document))
    except EndlessRecursion as error:
        message = "this refers to itself without end: nothing of the value is used up on the way"
        return [Detail(message, format_pointer(error.path))]
    try:
        return _find_compile_violations(document, cost, subschemas, patient=patient)
    except CheckTooCostly:
        return [Detail("the schema takes too long to make ready: make its patterns smaller", "")]


def _find_compile_violations(
    document: dict[str, Any], cost: Cost, subschemas: list[Subschema], *, patient: bool
) -> list[Detail]:
    if cost.is_heavy:
        return compile_in_process(document, patient=patient)
    violations = [
        violation for subschema in subschemas for violation in _find_pattern_violations(subschema)
    ]
    if violations:
        return violations
    try:
        compile_schema(document)
    except jsonschema_rs.ValidationError as error:
        return [Detail(explain_schema_error(error), format_pointer(error.instance_path))]
    if cost.for_depth(_DEEPEST) > LIGHT_STEPS:
        return []
    return list(_find_default_violations(document, subschemas))


def _find_pattern_violations(subschema: Subschema) -> Iterator[Detail]:
    path, schema = subschema
    if not isinstance(schema, dict):
        return
    named = [("patternProperties", name) for name in schema.get("patternProperties", ())]
    patterns = [(name, (*path, keyword, name)) for keyword, name in named]
    if "pattern" in schema:
        patterns.append((schema["pattern"], (*path, "pattern")))
    for pattern, where in patterns:
        try:
            compile_schema({"pattern": pattern})
        except jsonschema_rs.ValidationError as error:
            yield Detail(explain_schema_error(error), format_pointer(where))


def _find_default_violations(
    document: dict[str, Any], subschemas: list[Subschema]
) -> Iterator[Detail]:
    """Return mismatching defaults: each run with such a default would be refused."""
    holding = [subschema for subschema in subschemas if _is_filled_in(subschema)]
    if not holding or len(subschemas) > _MOST_SUBSCHEMAS_WITH_DEFAULTS:
        return
    defaults = Defaults(document)
    registry = jsonschema_rs.Registry([(_HERE, document)], draft=jsonschema_rs.Draft202012)
    for path, schema in holding:
        if len(json.dumps(schema["default"])) > _LARGEST_CHECKED_DEFAULT:
            continue
        pointer = format_pointer((*path, "default"))
        part = compile_schema({"$ref": f"{_HERE}#{quote(format_pointer(path))}"}, registry)
        try:
            filled = defaults.fill(schema["default"], path)
        except CheckTooCostly as costly:
            yield Detail(costly.message, pointer)
            return
        for error in part.iter_errors(filled):
            for found in explain(error, schema, filled):
                where = f" at '{found.pointer}'" if found.pointer else ""
                yield Detail(f"the default does not match{where}: {found.message}", pointer)


def _is_filled_in(subschema: Subschema) -> bool:
    path, schema = subschema
    is_property = len(path) > 1 and path[-2] == "properties"
    return is_property and isinstance(schema, dict) and "default" in schema
