import subprocess
import sys
from typing import Any

import pytest

from au2.domain.errors import InvalidRequest
from au2.jsonschema.arguments import list_arguments, read_arguments

SCHEMA: dict[str, Any] = {
    "$defs": {"port": {"type": "integer", "default": 80, "title": "Port"}},
    "allOf": [{"properties": {"more": {"type": "array"}}, "required": ["more"]}],
    "properties": {
        "zip": {"type": "string", "description": "Postal code"},
        "days": {"type": "integer"},
        "port": {"$ref": "#/$defs/port"},
        "size": {"enum": ["small", 1]},
        "rate": {"anyOf": [{"type": "null"}, {"type": "number"}]},
        "flag": {"type": "boolean"},
        "mixed": {"type": ["string", "integer"]},
        "any": True,
    },
    "required": ["days"],
}


def test_what_is_told_of_arguments() -> None:
    found = {argument.name: argument.to_document() for argument in list_arguments(SCHEMA)}
    assert list(found) == [*SCHEMA["properties"], "more"]
    assert found["zip"] == {
        "name": "zip",
        "type": ["string"],
        "required": False,
        "description": "Postal code",
        "enum": [],
    }
    assert (found["port"]["default"], found["port"]["description"]) == (80, "Port")
    assert found["size"]["enum"] == ["small", 1]
    assert found["size"]["type"] == ["string", "integer"]
    assert found["rate"]["type"] == ["null", "number"]
    assert found["any"]["type"] == []
    assert [name for name in found if found[name]["required"]] == ["days", "more"]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("zip", "01234", "01234"),
        ("zip", "7", "7"),
        ("zip", "true", "true"),
        ("zip", '"7"', '"7"'),
        ("zip", "", ""),
        ("days", "7", 7),
        ("days", "7.0", 7.0),
        ("port", "8080", 8080),
        ("size", "small", "small"),
        ("size", "1", 1),
        ("rate", "null", None),
        ("rate", "1e3", 1000.0),
        ("flag", "true", True),
        ("mixed", "7", 7),
        ("mixed", "01", "01"),
        ("mixed", '"7"', "7"),
        ("mixed", "[1]", "[1]"),
        ("any", "[1]", [1]),
        ("any", "x", "x"),
        ("any", "NaN", "NaN"),
        ("more", "[1, 2]", [1, 2]),
        ("unknown", "7", 7),
        ("unknown", "x y", "x y"),
    ],
)
def test_texts_are_read_by_their_type(name: str, text: str, value: Any) -> None:
    read = read_arguments(SCHEMA, {name: text})[name]
    assert (read, type(read)) == (value, type(value))


def test_without_a_schema_json_is_json_and_all_else_text() -> None:
    texts = {"a": "7", "b": "x", "c": '"7"', "d": "[" * 5000}
    assert read_arguments(None, texts) == {"a": 7, "b": "x", "c": "7", "d": "[" * 5000}


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("days", "x", "an integer"),
        ("days", "07", "an integer"),
        ("days", "7.5", "an integer"),
        ("days", "true", "an integer"),
        ("flag", "yes", "true or false"),
        ("rate", "1,5", "null or a number"),
        ("more", "1", "a JSON array"),
    ],
)
def test_what_is_not_of_its_type(name: str, text: str, wanted: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_arguments(SCHEMA, {name: text})
    (detail,) = caught.value.details
    assert (detail.pointer, detail.message) == (
        f"/arguments/{name}",
        f"expected {wanted}, not '{text}'",
    )


def test_entangled_schemas_are_given_up() -> None:
    definitions = {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)}
    schema = {"properties": {"x": {"$ref": "#/$defs/a0"}}, "$defs": {**definitions, "a40": {}}}
    assert read_arguments(schema, {"x": "1"}) == {"x": 1}


def test_reading_arguments_does_not_load_the_library_that_checks() -> None:
    code = "import sys, au2.jsonschema.arguments; print('jsonschema_rs' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
