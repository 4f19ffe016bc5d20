"""Constraints on one position of a value, gathered from all schemas applied there."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from au2.jsonschema.references import References
from au2.jsonschema.subschemas import Path, inner_subschemas

ALL_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
UPPER_BOUNDS = (
    "maximum",
    "exclusiveMaximum",
    "maxLength",
    "maxItems",
    "maxProperties",
    "maxContains",
)
LOWER_BOUNDS = (
    "minimum",
    "exclusiveMinimum",
    "minLength",
    "minItems",
    "minProperties",
    "minContains",
)
CONDITIONS = (
    *("anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependentRequired"),
    *("patternProperties", "propertyNames", "unevaluatedProperties", "unevaluatedItems"),
    *("prefixItems", "contains", "uniqueItems", "multipleOf", "pattern", "format", "$dynamicRef"),
)
"""Compared as a whole: equal or not."""
_MOST_STEPS = 20_000


class TooComplex(Exception):
    """The schema has more combinations than the limit."""


@dataclass(slots=True)
class Shape:
    """All constraints on one position."""

    types: frozenset[str] = ALL_TYPES
    choices: dict[str, Any] | None = None
    """Of ``enum`` and ``const``, by their JSON text: 1 is not true. None: any."""
    bounds: dict[str, float] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    properties: dict[str, list[Path]] = field(default_factory=dict)
    is_closed: bool = False
    """Whether no other properties go."""
    others: list[Path] = field(default_factory=list)
    """Schemas of all other properties."""
    items: list[Path] = field(default_factory=list)
    conditions: dict[str, list[Any]] = field(default_factory=dict)
    default: tuple[Any, ...] = ()
    """The default, if there is one."""


class Shapes:
    """The shapes of one schema."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.references = References(dict(schema))
        self._steps_left = _MOST_STEPS
        self._written: dict[Path, Any] = {}

    def find(self, paths: list[Path]) -> Shape:
        """Return the constraints of the schemas at ``paths`` on one position.

        Raises:
            TooComplex: the schemas have too many combinations.
        """
        shape = Shape()
        for path in self.references.holding(paths):
            self._step()
            schema = self.references.schemas[path]
            if schema is False:
                shape.types = frozenset()
            elif isinstance(schema, dict):
                self._add(shape, path, schema)
        return shape

    def _add(self, shape: Shape, path: Path, schema: Mapping[str, Any]) -> None:
        shape.types &= _types(schema)
        for choices in _choices(schema):
            kept = choices if shape.choices is None else shape.choices
            shape.choices = {text: kept[text] for text in kept if text in choices}
        for keyword in UPPER_BOUNDS + LOWER_BOUNDS:
            if keyword in schema:
                tighter = min if keyword in UPPER_BOUNDS else max
                shape.bounds[keyword] = tighter(
                    shape.bounds.get(keyword, schema[keyword]), schema[keyword]
                )
        shape.required.update(schema.get("required", ()))
        for name in schema.get("properties", ()):
            shape.properties.setdefault(name, []).append((*path, "properties", name))
        if "additionalProperties" in schema:
            shape.is_closed |= schema["additionalProperties"] is False
            shape.others.append((*path, "additionalProperties"))
        if "items" in schema:
            shape.items.append((*path, "items"))
        for keyword in CONDITIONS:
            if keyword in schema:
                shape.conditions.setdefault(keyword, []).append(self._write(path, keyword))
        if "default" in schema and not shape.default:
            shape.default = (schema["default"],)

    def _write(self, path: Path, keyword: str) -> Any:
        """Return the value of a keyword with its references resolved, for comparison."""
        schema = self.references.schemas[path]
        inner = [
            (place.path[len(path) :], self._written_out(place.path, ()))
            for place in inner_subschemas(path, {keyword: schema[keyword]})
        ]
        if keyword == "$dynamicRef":
            return [self._written_out(target, ()) for target in self.references.targets(path)]
        return inner or schema[keyword]

    def _written_out(self, path: Path, above: tuple[Path, ...]) -> Any:
        self._step()
        if path in self._written:
            return self._written[path]
        schema = self.references.schemas[path]
        if not isinstance(schema, dict):
            return schema
        if path in above:
            return f"like {len(above) - above.index(path)} levels above"
        inside = (*above, path)
        places = list(inner_subschemas(path, schema))
        held = {place.path[len(path)] for place in places}
        own = {key: value for key, value in schema.items() if key not in held | _REMARKS}
        for place in places:
            if place.path[len(path)] not in _ONLY_KEPT:
                own["/".join(place.path[len(path) :])] = self._written_out(place.path, inside)
        targets = list(self.references.targets(path))
        if targets:
            own = {key: value for key, value in own.items() if key not in {"$ref", "$dynamicRef"}}
            own["->"] = [self._written_out(target, inside) for target in targets]
        if not above:
            self._written[path] = own
        return own

    def _step(self) -> None:
        self._steps_left -= 1
        if self._steps_left < 0:
            raise TooComplex


_REMARKS = {"title", "description", "examples", "$comment", "deprecated", "$schema", "$id"}
_ONLY_KEPT = {"$defs", "definitions"}


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    stated = schema.get("type")
    if stated is None:
        return ALL_TYPES
    types = {stated} if isinstance(stated, str) else set(stated)
    # Each integer is a number.
    return frozenset(types | ({"integer"} if "number" in types else set()))


def _choices(schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if "enum" in schema:
        yield {json.dumps(value, sort_keys=True): value for value in schema["enum"]}
    if "const" in schema:
        yield {json.dumps(schema["const"], sort_keys=True): schema["const"]}
