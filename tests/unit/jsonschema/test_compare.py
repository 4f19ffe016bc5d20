from typing import Any

import pytest

from au2.jsonschema.compare import compare_schemas


def properties(**named: Any) -> dict[str, Any]:
    return {"properties": named}


@pytest.mark.parametrize(
    ("old", "new", "pointer", "arguments_break", "output_breaks"),
    [
        (properties(), properties(a={}), "/properties/a", False, False),
        (properties(a={}), properties(), "/properties/a", False, True),
        ({"required": []}, {"required": ["a"]}, "/required", True, False),
        ({"required": ["a"]}, {}, "/required", False, True),
        (
            properties(a={"default": 1}),
            properties(a={"default": 1}) | {"required": ["a"]},
            "/required",
            False,
            False,
        ),
        ({}, {"additionalProperties": False}, "/additionalProperties", True, False),
        (
            properties(a={"type": "number"}),
            properties(a={"type": "integer"}),
            "/properties/a/type",
            True,
            False,
        ),
        (
            properties(a={"type": "string"}),
            properties(a={"type": "integer"}),
            "/properties/a/type",
            True,
            True,
        ),
        (
            properties(a={"enum": [1, 2]}),
            properties(a={"enum": [1]}),
            "/properties/a/enum",
            True,
            False,
        ),
        (
            properties(a={"enum": [1]}),
            properties(a={"enum": [1, True]}),
            "/properties/a/enum",
            False,
            True,
        ),
        (properties(a={}), properties(a={"const": 1}), "/properties/a/enum", True, False),
        (
            properties(a={"minimum": 1}),
            properties(a={"minimum": 2}),
            "/properties/a/minimum",
            True,
            False,
        ),
        (
            properties(a={"maxLength": 1}),
            properties(a={"maxLength": 2}),
            "/properties/a/maxLength",
            False,
            True,
        ),
        (properties(a={"maxItems": 1}), properties(a={}), "/properties/a/maxItems", False, True),
        (
            properties(a={"default": 1}),
            properties(a={"default": 2}),
            "/properties/a/default",
            False,
            False,
        ),
        (
            properties(a={"pattern": "a"}),
            properties(a={"pattern": "b"}),
            "/properties/a/pattern",
            True,
            True,
        ),
        (properties(a={}), properties(a={"format": "date"}), "/properties/a/format", True, False),
        (
            properties(a={"items": {"type": "string"}}),
            properties(a={"items": {}}),
            "/properties/a/items/type",
            False,
            True,
        ),
        ({"anyOf": [{"type": "null"}]}, {"anyOf": [{"type": "object"}]}, "/anyOf", True, True),
    ],
)
def test_what_breaks_callers(
    old: dict[str, Any],
    new: dict[str, Any],
    pointer: str,
    arguments_break: bool,
    output_breaks: bool,
) -> None:
    for direction, breaks in (("arguments", arguments_break), ("output", output_breaks)):
        (change,) = compare_schemas(old, new, direction)  # type: ignore[arg-type]
        assert (change.pointer, change.breaks) == (pointer, breaks)


def test_a_change_behind_a_reference_is_seen() -> None:
    def schema(kind: str) -> dict[str, Any]:
        node = {"type": kind, "properties": {"next": {"$ref": "#/$defs/node"}}}
        return {
            "$defs": {"node": node},
            "properties": {
                "a": {"$ref": "#/$defs/node"},
                "b": {"anyOf": [{"$ref": "#/$defs/node"}]},
            },
        }

    assert compare_schemas(schema("object"), schema("object"), "arguments") == []
    changes = compare_schemas(schema("object"), schema("array"), "arguments")
    assert {"/properties/a/type", "/properties/b/anyOf"} <= {change.pointer for change in changes}


def test_where_definitions_stand_does_not_matter() -> None:
    inline = properties(a={"anyOf": [{"type": "null"}, {"type": "string"}]})
    apart = properties(a={"anyOf": [{"type": "null"}, {"$ref": "#/$defs/s"}]})
    apart["$defs"] = {"s": {"type": "string", "description": "a text"}}
    moved = {**apart, "properties": {"a": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/t"}]}}}
    moved["$defs"] = {"t": {"type": "string"}}
    assert compare_schemas(apart, moved, "arguments") == []
    assert compare_schemas(inline, inline, "output") == []


def test_a_process_that_becomes_structured() -> None:
    schema = {"type": "object", **properties(a={}), "required": ["a"]}
    assert compare_schemas(None, None, "arguments") == []
    changes = compare_schemas(None, schema, "arguments")
    assert [change.breaks for change in changes] == [True, False]


def test_what_is_too_entangled_counts_as_breaking() -> None:
    definitions = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)}
    schema = {"$ref": "#/$defs/a0", "$defs": {**definitions, "a40": {}}}
    (change,) = compare_schemas(schema, schema, "arguments")
    assert change.breaks
    assert "entangled" in change.message
