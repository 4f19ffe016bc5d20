import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import CheckTooCostly
from au2.jsonschema.defaults import fill_defaults


@pytest.mark.parametrize(
    ("schema", "value", "filled"),
    [
        ({"properties": {"a": {"default": 1}}}, {}, {"a": 1}),
        ({"properties": {"a": {"default": 1}}}, {"a": None}, {"a": None}),
        ({"properties": {"a": {"default": None}}}, {}, {"a": None}),
        (
            {"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"default": 1}}},
            {},
            {"a": 1},
        ),
        (
            {
                "properties": {"a": {"$ref": "#/$defs/x", "default": 2}},
                "$defs": {"x": {"default": 1}},
            },
            {},
            {"a": 2},
        ),
        ({"allOf": [{"properties": {"a": {"allOf": [{"default": 1}]}}}]}, {}, {"a": 1}),
        ({"allOf": [{"properties": {"a": {"default": n}}} for n in (1, 2)]}, {}, {"a": 1}),
        ({"properties": {"o": {"properties": {"a": {"default": 1}}}}}, {"o": {}}, {"o": {"a": 1}}),
        ({"properties": {"o": {"properties": {"a": {"default": 1}}}}}, {}, {}),
        (
            {"properties": {"o": {"default": {}, "properties": {"a": {"default": 1}}}}},
            {},
            {"o": {"a": 1}},
        ),
        ({"anyOf": [{"properties": {"a": {"default": 1}}}]}, {}, {}),
        ({"if": {}, "then": {"properties": {"a": {"default": 1}}}}, {}, {}),
        ({"items": {"properties": {"a": {"default": 1}}}}, [{}], [{}]),
        ({"additionalProperties": {"properties": {"a": {"default": 1}}}}, {"x": {}}, {"x": {}}),
        ({"default": {"a": 1}}, {}, {}),
        ({"properties": {"a": {"default": {}, "$ref": "#"}}}, {}, {"a": {}}),
        ({"properties": {"a": True, "b": {"default": []}}}, {"a": 1}, {"a": 1, "b": []}),
    ],
)
def test_where_defaults_come_from(schema: dict[str, Any], value: Any, filled: Any) -> None:
    assert fill_defaults(schema, value) == filled


@pytest.mark.slow
def test_defaults_that_multiply() -> None:
    definitions: dict[str, Any] = {
        f"a{n}": {
            "default": {},
            "properties": {name: {"$ref": f"#/$defs/a{n + 1}"} for name in "xyz"},
        }
        for n in range(40)
    }
    schema = {"$ref": "#/$defs/a0", "$defs": {**definitions, "a40": {}}}
    with pytest.raises(CheckTooCostly):
        fill_defaults(schema, {})


def test_large_defaults_add_up() -> None:
    schema = {"properties": {f"p{n}": {"default": "x" * 1000} for n in range(2000)}}
    with pytest.raises(CheckTooCostly, match="1 MiB"):
        fill_defaults(schema, {})


@pytest.mark.slow
def test_entangled_references() -> None:
    definitions = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)}
    schema = {"$ref": "#/$defs/a0", "$defs": {**definitions, "a40": {}}}
    with pytest.raises(CheckTooCostly):
        fill_defaults(schema, {})


def test_nobody_shares_a_default_with_another() -> None:
    schema = {"properties": {"a": {"default": {"list": []}}}}
    fill_defaults(schema, {})["a"]["list"].append(1)
    assert fill_defaults(schema, {}) == {"a": {"list": []}}


NAMES = st.sampled_from("abc")
VALUES = st.recursive(
    st.integers(0, 3), lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
SCHEMAS = st.recursive(
    st.fixed_dictionaries({}, optional={"default": VALUES}),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "default": VALUES,
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "allOf": st.lists(inner, min_size=1, max_size=2),
        },
    ),
    max_leaves=8,
)


@given(SCHEMAS, VALUES)
def test_nothing_given_is_changed_and_twice_is_once(schema: dict[str, Any], value: Any) -> None:
    before = copy.deepcopy((schema, value))
    filled = fill_defaults(schema, value)
    assert (schema, value) == before
    assert fill_defaults(schema, filled) == filled
    if isinstance(value, dict):
        assert value.keys() <= filled.keys()
