"""Subschemas of a schema: the keywords of 2020-12 with a schema as their value."""

from collections.abc import Iterator
from typing import Any, NamedTuple

Path = tuple[str, ...]
"""Tokens of a JSON pointer."""

IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
IN_PLACE_MAPPINGS = ("dependentSchemas",)
IN_PLACE = ("not", "if", "then", "else")
"""These look at the same value as the schema that holds them; the following at a part of it."""
PART_LISTS = ("prefixItems",)
PART_MAPPINGS = ("properties", "patternProperties")
PARTS = (
    "items",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
)
DEFINITIONS = ("$defs", "definitions")
"""These only keep schemas for others to refer to."""

SINGLE = (*IN_PLACE, *PARTS)
LISTS = (*IN_PLACE_LISTS, *PART_LISTS)
MAPPINGS = (*IN_PLACE_MAPPINGS, *PART_MAPPINGS, *DEFINITIONS)


class Subschema(NamedTuple):
    """A schema inside a schema, with its path."""

    path: Path
    schema: Any
    """A boolean or an object, unless it is a violation."""


def inner_subschemas(path: Path, schema: Any) -> Iterator[Subschema]:
    """Return the subschemas directly inside ``schema``, the schema at ``path``."""
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        if keyword in SINGLE:
            yield Subschema((*path, keyword), value)
        elif keyword in LISTS and isinstance(value, list):
            for index, item in enumerate(value):
                yield Subschema((*path, keyword, str(index)), item)
        elif keyword in MAPPINGS and isinstance(value, dict):
            for name, item in value.items():
                yield Subschema((*path, keyword, name), item)


def all_subschemas(root: Any) -> Iterator[Subschema]:
    """Return the schema and all subschemas, outer ones first."""
    waiting = [Subschema((), root)]
    while waiting:
        place = waiting.pop()
        yield place
        waiting.extend(reversed(list(inner_subschemas(place.path, place.schema))))
