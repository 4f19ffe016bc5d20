from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from au2.domain.errors import CheckTooCostly, Conflict
from au2.jsonschema.validator import validate


def told(schema: dict[str, Any], value: Any) -> list[tuple[str | None, str]]:
    return [(violation.pointer, violation.message) for violation in validate(schema, value)]


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "integer"}, 7.5, "expected an integer, not 7.5"),
        ({"type": ["integer", "null"]}, "x", 'expected null or an integer, not "x"'),
        ({"enum": ["a", 1]}, "b", 'expected one of "a", 1, not "b"'),
        ({"const": 3}, 4, "expected 3, not 4"),
        ({"minimum": 3}, 2, "expected at least 3, not 2"),
        ({"exclusiveMaximum": 3}, 3, "expected less than 3, not 3"),
        ({"multipleOf": 5}, 3, "expected a multiple of 5, not 3"),
        ({"minLength": 2}, "a", 'expected at least 2 characters, not "a"'),
        ({"maxItems": 1}, [1, 2], "expected at most 1 item, not an array of 2 items"),
        ({"pattern": "^a$"}, "b", 'expected a text that matches ^a$, not "b"'),
        ({"format": "date"}, "x", "expected the format 'date', not \"x\""),
        ({"required": ["a"]}, {}, "'a' is missing"),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "'b' is missing"),
        ({"uniqueItems": True}, [1, 1], "expected items that all differ"),
        ({"contains": {"const": 1}}, [2], "expected an item that matches 'contains'; none does"),
        ({"not": {}}, 1, "it matches what 'not' excludes"),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, 1, "expected null or a string, not 1"),
        ({"oneOf": [{}, {}]}, 1, "it matches more than one of the alternatives of 'oneOf'"),
        ({"propertyNames": {"maxLength": 1}}, {"ab": 1}, "a property's name: expected at most"),
    ],
)
def test_what_was_expected(schema: dict[str, Any], value: Any, message: str) -> None:
    ((pointer, found),) = told(schema, value)
    assert pointer == ""
    assert found.startswith(message)


def test_every_error_has_its_place() -> None:
    schema = {
        "properties": {"a/b": {"type": "integer"}, "l": {"items": {"type": "string"}}},
        "required": ["x"],
        "additionalProperties": False,
    }
    assert sorted(told(schema, {"a/b": "1", "l": ["", 2], "é": 1})) == [
        ("", "'x' is missing"),
        ("/a~1b", 'expected an integer, not "1"'),
        ("/l/1", "expected a string, not 2"),
        ("/é", "there is no such property; known are 'a/b', 'l'"),
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("date-time", "2026-13-01T00:00:00Z"),
        ("date", "2026-02-30"),
        ("time", "25:00:00Z"),
        ("email", "nobody"),
        ("uri", "not a uri"),
        ("uuid", "1"),
        ("ipv4", "1.2.3.256"),
        ("ipv6", ":::"),
        ("hostname", "-a-"),
        ("json-pointer", "a"),
        ("duration", "1h"),
        ("regex", "("),
    ],
)
def test_formats_are_checked(name: str, value: str) -> None:
    assert told({"properties": {"a": {"format": name}}}, {"a": value})


def test_long_values_are_shortened() -> None:
    ((_, message),) = told({"type": "integer"}, "x" * 10_000)
    assert len(message) < 120


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"p": {"writeOnly": True, "minLength": 99}}},
        {"properties": {"p": {"format": "password", "allOf": [{"minLength": 99}]}}},
        {
            "properties": {"p": {"writeOnly": True, "$ref": "#/$defs/s"}},
            "$defs": {"s": {"type": "null"}},
        },
        {
            "properties": {"p": {"$ref": "#/$defs/s"}},
            "$defs": {"s": {"writeOnly": True, "type": "null"}},
        },
        {"maxProperties": 0},
    ],
)
def test_what_the_schema_calls_a_secret_is_not_shown(schema: dict[str, Any]) -> None:
    ((_, message),) = told(schema, {"p": "hunter2"})
    assert "hunter2" not in message


def doubling(levels: int) -> dict[str, Any]:
    definitions: dict[str, Any] = {
        f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(levels)
    }
    return {"$ref": "#/$defs/a0", "$defs": {**definitions, f"a{levels}": {"type": "integer"}}}


@pytest.mark.slow
def test_work_that_doubles_with_each_level_is_ended() -> None:
    with pytest.raises(CheckTooCostly):
        validate(doubling(40), 1)
    assert validate(doubling(11), 1) == []


@pytest.mark.slow
def test_recursion_that_doubles_with_each_level_of_the_value() -> None:
    again = {"items": {"$ref": "#"}}
    schema = {"type": "array", "anyOf": [again, again]}
    deep: list[Any] = []
    for _ in range(8):
        deep = [deep]
    assert validate(schema, deep) == []
    wrong: Any = 1
    for _ in range(60):
        wrong = [wrong]
    assert told(schema, wrong) == [("", "it does not match the schema")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"items": {"type": "string"}}, [1] * 500_000),
        ({"required": [f"k{number}" for number in range(15_000)]}, {"a": "x" * (1 << 20)}),
        ({"anyOf": [{"type": "string"}] * 2000}, {"a": "x" * (1 << 20)}),
        ({"properties": {"a": {"pattern": "a[ab]{300}c"}}}, {"a": "ab" * (1 << 18)}),
    ],
    ids=["a violation for each item", "each violation with the value", "alternatives", "pattern"],
)
def test_explaining_is_limited_too(schema: dict[str, Any], value: Any) -> None:
    """The library would copy the value for each violation, until there is no memory left."""
    assert told(schema, value)


def test_a_process_of_its_own_finds_the_same() -> None:
    text = "\\p{L}{1,64}"
    schema = {"properties": {"a": {"pattern": f"^{text}$"}, "b": {"type": "integer"}}}
    assert told(schema, {"a": "1", "b": "ü"}) == [
        ("/a", f'expected a text that matches ^{text}$, not "1"'),
        ("/b", 'expected an integer, not "ü"'),
    ]
    assert told(schema, {"a": "é", "b": 1}) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "value",
    [
        # As floats these are all the same number, so each is compared with each.
        [2**64 - 1 - number for number in range(40_000)],
        [-(2**63) + number for number in range(40_000)],
        [10**300 + number for number in range(3_000)],
    ],
    ids=["large", "large and negative", "huge"],
)
def test_comparing_large_integers_does_not_stop_everything(value: list[int]) -> None:
    with pytest.raises(CheckTooCostly):
        validate({"properties": {"a": {"uniqueItems": True}}}, {"a": value})


@pytest.mark.parametrize("number", [2**75, -(2**75), 10**4000, -(10**4000), 2**63, -(2**53), 7])
def test_few_large_integers_are_checked_as_any_others(number: int) -> None:
    schema = {"properties": {"a": {"items": {"type": "integer"}, "uniqueItems": True}}}
    assert validate(schema, {"a": [number, number + 1]}) == []
    assert [found.pointer for found in validate(schema, {"a": [number, number]})] == ["/a"]


@pytest.mark.slow
def test_checks_that_take_long_leave_room_for_others() -> None:
    """Whoever asks for many at once gets only so many; who must know in the end waits."""
    schema = doubling(11)

    def check(patient: bool) -> str:
        try:
            return str(validate(schema, 1, patient=patient))
        except Conflict as error:
            return str(error.hint)

    with ThreadPoolExecutor(30) as pool:
        refused = list(pool.map(check, [False] * 30))
        waited = list(pool.map(check, [True] * 14))
    assert {"[]", "Try again in a moment."} == set(refused)
    assert set(waited) == {"[]"}
