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
