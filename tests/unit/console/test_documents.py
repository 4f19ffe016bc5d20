import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from au2.console.cells import format_cell, visible
from au2.console.documents import format_json, format_json_line, format_yaml

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
WORDS = st.sampled_from(
    ["yes", "NO", "1.10", "0x1", "1:30", "#", "~", "=", "<<", "-", "?", "", " a", "a: b", "- a"]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT | WORDS, inner, max_size=4),
    max_leaves=15,
)


def load(text: str, version: tuple[int, int]) -> object:
    reader = YAML(typ="safe", pure=True)
    reader.version = version
    return reader.load(text)


@given(VALUES)
def test_yaml_is_read_back_alike_by_both_versions(value: object) -> None:
    text = format_yaml(value)

    assert load(text, (1, 2)) == value
    assert load(text, (1, 1)) == value


@given(VALUES)
def test_json_is_read_back(value: object) -> None:
    text = format_json(value)
    assert json.loads(text) == value
    assert text.replace("\n", "").isprintable()
    assert json.loads(format_json_line(value)) == value


def test_json_does_not_steer_the_terminal() -> None:
    text = "\x1b[2J \x7f \x9b31m \u202e \U000e0001 é\n"
    assert format_json(text) == ('"\\u001b[2J \\u007f \\u009b31m \\u202e \\udb40\\udc01 é\\n"\n')


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "yes"),
        (0, "0"),
        ("a\nb", "a\nb"),
        (["a", "b"], "a, b"),
        ([], ""),
        ({"a": 1}, '{"a": 1}'),
        ("\x1b[0m\x9b", "\\x1b[0m\\x9b"),
        ("a\tb", "a    b"),
        ("日本\u202e", "日本\\u202e"),
    ],
)
def test_cells(value: object, shown: str) -> None:
    assert format_cell(value) == shown


@given(st.text())
def test_nothing_invisible_is_printed(text: str) -> None:
    assert all(line.isprintable() for line in visible(text).split("\n"))
