"""Checking arguments against a schema."""

import json

from au2.jsonschema.defaults import fill_defaults
from au2.jsonschema.validator import validate
from bench.series import Line, Series, alone

PROPERTIES = 40
ARGUMENT_BYTES = 100_000


ROUNDS = 200


def measure_arguments() -> Line:
    """Measure the check of an object of 100 kB, defaults included, in a server that is warm."""
    schema, value = make_schema(), make_value()
    series = Series()
    for counted in (1, ROUNDS):
        series = Series()
        for _ in range(counted):
            with series.timing():
                filled = fill_defaults(schema, value)
                mistakes = validate(schema, filled)
            assert not mistakes, mistakes
    return alone("argument check, 100 kB object, medium schema", "ms", series, 2)


def make_schema() -> dict[str, object]:
    """Forty properties of all kinds, and a list of records."""
    kinds: list[dict[str, object]] = [
        {"type": "integer", "minimum": 0, "default": 3},
        {"type": "string", "maxLength": 200, "pattern": "^[a-z ]*$"},
        {"type": "number", "exclusiveMaximum": 1000},
        {"enum": ["north", "south"]},
    ]
    record = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1},
            "count": {"type": "integer"},
            "at": {"type": "string", "format": "date-time"},
        },
        "required": ["name", "count"],
        "additionalProperties": False,
    }
    properties = {f"p{index}": kinds[index % len(kinds)] for index in range(PROPERTIES)}
    properties["records"] = {"type": "array", "items": {"$ref": "#/$defs/record"}}
    return {
        "type": "object",
        "properties": properties,
        "required": ["records"],
        "$defs": {"record": record},
    }


def make_value() -> dict[str, object]:
    """An object of about 100 kB as JSON."""
    record = {"name": "a name of some length", "count": 12, "at": "2026-01-02T03:04:05Z"}
    records = ARGUMENT_BYTES // len(json.dumps(record))
    return {"p1": "some words", "p2": 2.5, "p3": "north", "records": [record] * records}
