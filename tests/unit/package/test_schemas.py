import pytest

from au2.domain.errors import InvalidPackage
from au2.package.schemas import load_schema


def test_schemas() -> None:
    assert load_schema("# nothing\n", "f") is None
    assert load_schema("", "f") is None
    assert load_schema("true", "f") == {}
    assert load_schema("false", "f") == {"not": {}}
    assert load_schema("type: object\nrequired: [a]\n", "f") == {
        "type": "object",
        "required": ["a"],
    }


@pytest.mark.parametrize("text", ["[]", "text", "1", "a: ["])
def test_what_is_no_schema(text: str) -> None:
    with pytest.raises(InvalidPackage) as caught:
        load_schema(text, "out.schema.yml")
    assert caught.value.details[0].file == "out.schema.yml"
    assert caught.value.details[0].line is not None


def test_every_error_with_its_line() -> None:
    text = """\
type: object
properties:
  a/b:
    type: int
  list:
    items:
      - type: string
    prefixItems:
      - {}
      - minimum: "1"
  pattern:
    pattern: (
required: a
"""
    with pytest.raises(InvalidPackage) as caught:
        load_schema(text, "args.schema.yml")
    places = [str(detail).split(": ")[:2] for detail in caught.value.details]
    assert places == [
        ["args.schema.yml:13", "/required"],
        ["args.schema.yml:4", "/properties/a~1b/type"],
        ["args.schema.yml:6", "/properties/list/items"],
        ["args.schema.yml:10", "/properties/list/prefixItems/1/minimum"],
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("properties:\n  a:\n    pattern: (\n", 3, "regular expression"),
        ("$defs:\n  a: {}\n$ref: file:///etc/passwd\n", 3, "outside this file"),
        ("type: object\nallOf:\n  - {}\n  - $ref: '#'\n", 4, "without end"),
        ("description: a\ntype: array\n", 2, "are objects"),
        ("LEVEL: info\nAPI_KEY: {secret: key}\n", 1, "no JSON Schema"),
        ("type: [string, 'null']\n", 1, "are objects"),
        ("properties:\n  a: &x {type: 3}\n  b: *x\n", 2, "/properties/a/type"),
        ("properties:\n" + "".join(f"  p{n}: {{}}\n" for n in range(20_000)), 10_000, "20000"),
    ],
)
def test_errors_of_all_kinds(text: str, line: int, says: str) -> None:
    with pytest.raises(InvalidPackage) as caught:
        load_schema(text, "f")
    detail = caught.value.details[0]
    assert says in detail.message
    assert line == 10_000 or detail.line == line


def test_endless_yaml_is_no_schema() -> None:
    with pytest.raises(InvalidPackage):
        load_schema("a: &a [*a]\n", "f")
    with pytest.raises(InvalidPackage):
        load_schema("{" * 1000, "f")


def test_an_error_in_what_was_merged_has_its_own_line() -> None:
    text = """\
type: object
properties:
  a: &number
    type: integer
    minimum: one
  b:
    <<: *number
    maximum: 5
"""
    with pytest.raises(InvalidPackage) as caught:
        load_schema(text, "args.schema.yml")
    assert {detail.line for detail in caught.value.details} == {5}


def test_merge_keys_bring_keywords() -> None:
    text = """\
type: object
properties:
  a: &number {type: integer, minimum: 1}
  b: {<<: *number, maximum: 5}
"""
    schema = load_schema(text, "args.schema.yml")
    assert schema is not None
    assert schema["properties"]["b"] == {"type": "integer", "minimum": 1, "maximum": 5}
