"""What parsed JSON may hold to be given on."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.json_value import DEEPEST, find_json_error, format_pointer, parse_pointer


@pytest.mark.parametrize(
    "text",
    [
        '"\\ud800"',
        '{"\\udfff": 1}',
        '{"a": [{"b": "x\\ud800"}]}',
        "1e999",
        "[-1e999]",
        "[NaN]",
        "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1),
        '{"a":' * (DEEPEST + 1) + "1" + "}" * (DEEPEST + 1),
    ],
)
def test_mistakes(text: str) -> None:
    assert find_json_error(json.loads(text)) is not None


@pytest.mark.parametrize(
    "value",
    [{}, {"a": [1, 1.5, None, True, "\U0001f600", "\0"]}, 10**4000, "x"],
)
def test_usual_values(value: Any) -> None:
    assert find_json_error(value) is None


def test_the_deepest() -> None:
    assert find_json_error(json.loads("[" * DEEPEST + "]" * DEEPEST)) is None


@given(st.lists(st.text()))
def test_a_pointer_leads_back_to_its_path(path: list[str]) -> None:
    assert parse_pointer(format_pointer(path)) == tuple(path)


def test_pointers_are_escaped() -> None:
    assert format_pointer(["a/b", "m~n", 0, ""]) == "/a~1b/m~0n/0/"
