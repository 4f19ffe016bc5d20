from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.jsonschema.check import find_schema_violations
from au2.jsonschema.validator import validate
from au2.jsonschema.violations import MOST_VIOLATIONS


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels - 1):
        schema = {"not": schema}
    return schema


def places(document: Any) -> list[str | None]:
    return [violation.pointer for violation in find_schema_violations(document)]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"type": "object", "properties": {"a": True, "b": {"type": ["string", "null"]}}},
        {"$schema": "https://json-schema.org/draft/2020-12/schema"},
        {"properties": {"a": {"$ref": "#"}}},
        {"$defs": {"a": {"$anchor": "x"}}, "$ref": "#x"},
        {"$defs": {"a~/b c": {}}, "$ref": "#/$defs/a~0~1b%20c"},
        {"$defs": {"a": {"$id": "https://example.com/a"}}, "$ref": "https://example.com/a"},
        {
            "$id": "https://example.com/r",
            "properties": {"x": {"$ref": "r#/$defs/a"}},
            "$defs": {"a": {}},
        },
        {"$dynamicAnchor": "node", "properties": {"a": {"$dynamicRef": "#node"}}},
        {"properties": {"name": {"pattern": "^[\\p{L} ]{1,64}$"}}},
        {"properties": {"dependencies": {}, "id": {}, "$ref": {"type": "string"}}},
        {"properties": {"a": {"type": "integer", "default": 3}}},
        {"properties": {"a": {"format": "anything"}}, "x-own": {"$ref": 3}},
        {"enum": [{"$ref": "http://example.com"}], "const": {"type": 3}},
        nested(64),
    ],
)
def test_usable_schemas(document: dict[str, Any]) -> None:
    assert find_schema_violations(document) == []


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"type": "objct"}, "/type"),
        ({"properties": {"a": {"type": 3}}}, "/properties/a/type"),
        ({"properties": {"a/b": 3}}, "/properties/a~1b"),
        ({"properties": []}, "/properties"),
        ({"required": "a"}, "/required"),
        ({"allOf": []}, "/allOf"),
        ({"items": [{}]}, "/items"),
        ({"minimum": "1"}, "/minimum"),
        ({"anyOf": [{}, {"maxLength": -1}]}, "/anyOf/1/maxLength"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/$schema"),
        ({"dependencies": {"a": ["b"]}}, "/dependencies"),
        ({"pattern": "("}, "/pattern"),
        ({"properties": {"a": {"pattern": "a(?=b)"}}}, "/properties/a/pattern"),
        ({"pattern": "(a)\\1"}, "/pattern"),
        ({"pattern": "((a{1000}){1000}){1000}"}, "/pattern"),
        ({"patternProperties": {"(": {}}}, "/patternProperties/("),
        ({"properties": {"a": {"default": "x", "type": "integer"}}}, "/properties/a/default"),
        (
            {
                "properties": {
                    "o": {"default": {}, "properties": {"n": {"default": {}, "type": "null"}}}
                }
            },
            "/properties/o/default",
        ),
    ],
)
def test_what_is_no_schema(document: dict[str, Any], pointer: str) -> None:
    assert pointer in places(document)


@pytest.mark.parametrize(
    "reference",
    [
        "http://example.com/schema.json",
        "file:///etc/passwd",
        "other.json",
        "/etc/passwd",
        "//example.com/x",
        "https://json-schema.org/draft/2020-12/schema",
        "#/$defs/missing",
        "#missing",
        "#/properties",
        "#/default",
        "http://[",
        "#%ff",
    ],
)
@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef"])
def test_nothing_outside_the_file_is_referred_to(keyword: str, reference: str) -> None:
    document = {"properties": {"a": {keyword: reference}}, "default": {}}
    assert places(document) == [f"/properties/a/{keyword}"]


def test_a_base_does_not_make_a_file_of_the_machine_reachable() -> None:
    assert places({"$id": "file:///etc/", "$ref": "passwd"}) == ["/$ref"]


@pytest.mark.parametrize(
    "document",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"anyOf": [{"type": "null"}, {"not": {"if": {"$ref": "#"}}}]},
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        {"$dynamicAnchor": "a", "dependentSchemas": {"x": {"$dynamicRef": "#a"}}},
        {"$id": "urn:example:a", "$ref": "urn:example:a"},
    ],
)
def test_recursion_without_end(document: dict[str, Any]) -> None:
    (violation,) = find_schema_violations(document)
    assert "without end" in violation.message


def test_too_deep_and_too_large() -> None:
    assert "64 levels" in find_schema_violations(nested(65))[0].message
    assert "64 levels" in find_schema_violations(nested(900))[0].message
    many = {f"p{number}": {} for number in range(20_000)}
    assert "20000 values" in find_schema_violations({"properties": many})[0].message


def test_errors_are_limited_in_number() -> None:
    many = {f"p{number}": {"type": 3} for number in range(1000)}
    assert len(find_schema_violations({"properties": many})) == MOST_VIOLATIONS


@pytest.mark.slow
def test_a_chain_of_references_longer_than_any_stack() -> None:
    chain: dict[str, Any] = {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(5000)}
    assert find_schema_violations({"$defs": {**chain, "a5000": {}}, "$ref": "#/$defs/a0"}) == []
    assert find_schema_violations(
        {"$defs": {**chain, "a5000": {"$ref": "#"}}, "$ref": "#/$defs/a0"}
    )


@pytest.mark.slow
def test_patterns_that_take_for_ever_to_make_ready() -> None:
    many = {f"p{number}": {"pattern": f"[\\p{{L}}{number}]{{1,60}}"} for number in range(4000)}
    (violation,) = find_schema_violations({"properties": many})
    assert "too long" in violation.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYWORDS = st.sampled_from(
    [
        *("$ref", "$defs", "$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "allOf", "anyOf"),
        *("properties", "patternProperties", "items", "prefixItems", "type", "enum", "pattern"),
        *("required", "default", "format", "dependentSchemas", "unevaluatedProperties", "not"),
    ]
)
WORDS = st.sampled_from(["#", "#/$defs/a", "#a", "a", "object", "integer", "string", "(", "date"])
SCHEMAS = st.recursive(
    st.booleans() | WORDS | JSON,
    lambda inner: (
        st.dictionaries(KEYWORDS | st.just("a"), inner, max_size=4) | st.lists(inner, max_size=3)
    ),
    max_leaves=12,
)


@given(SCHEMAS, JSON)
def test_nothing_breaks_it_and_what_it_lets_through_can_be_used(schema: Any, value: Any) -> None:
    mistakes = find_schema_violations(schema)
    if not mistakes:
        validate(schema, value)
