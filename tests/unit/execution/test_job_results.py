import json
from typing import Any

import pytest

from au2.execution.job_results import Output, Status, check_output, parse_output, parse_status
from au2.secrets.masking import Masker

NOTHING = Masker(()).mask_text
SCHEMA = {"properties": {"a": {"type": "integer"}}, "required": ["a"]}


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"text": "half", "progress": 0.5}', Status("half", 0.5)),
        (b'{"progress": 7}', Status(None, 1.0)),
        (b'{"progress": -7}', Status(None, 0.0)),
        (b'{"progress": true, "text": 3}', Status()),
        (b'{"progress": NaN}', None),
        (b'{"progress": 1' + b"0" * 400 + b"}", Status(None, 1.0)),
        (b'{"text": "\\ud800"}', None),
        (b"{}", Status()),
        (b"[]", None),
        (b'{"text": "ha', None),
        (b"\xff", None),
        (b"[" * 60_000, None),
    ],
)
def test_parse_status(content: bytes, status: Status | None):
    assert parse_status(content, NOTHING) == status


def test_a_long_text_is_cut():
    status = parse_status(b'{"text": "' + b"x" * 5000 + b'"}', NOTHING)
    assert status is not None
    assert len(status.text or "") == 1000


def test_a_secret_is_covered_before_a_long_text_is_cut():
    mask = Masker(["hunter22-and-more"]).mask_text
    status = parse_status(b'{"text": "' + b"x" * 990 + b'hunter22-and-more"}', mask)
    assert status is not None
    assert status.text == "x" * 990 + "***"


def test_output_is_a_json_object_or_nothing():
    assert parse_output(None, limit_bytes=100) == Output()
    assert parse_output(b'{"a": [1, null]}', limit_bytes=100).value == {"a": [1, None]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"[1]",
        b'"text"',
        b"null",
        b'{"a": "\\ud800"}',
        b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}",
        b"3",
        b"NaN",
        b'{"a": NaN}',
        b"\xff\xfe",
        b"[" * 50_000,
    ],
)
def test_what_is_no_json_object_is_a_problem(content: bytes):
    output = parse_output(content, limit_bytes=1 << 20)
    assert output.value is None
    assert output.problem


def test_a_large_output_is_a_problem():
    content = json.dumps({"a": "x" * 200}).encode()
    assert "larger" in (parse_output(content, limit_bytes=100).problem or "")


def keep(value: Any) -> Any:
    return value


def test_what_matches_stays_as_it_is() -> None:
    for output in (Output({"a": 1}), Output(problem="It is too large.")):
        assert check_output(output, SCHEMA, keep) == output
    for output in (Output(), Output({"a": "x"})):
        assert check_output(output, None, keep) == output
    assert check_output(Output(), {"type": "object"}, keep) == Output()


def test_what_does_not_match_is_kept_and_told_with_its_place() -> None:
    checked = check_output(Output({"a": "x"}), SCHEMA, keep)
    assert checked.value == {"a": "x"}
    assert checked.problem == (
        'The output does not match out.schema.yml: /a: expected an integer, not "x".'
    )


def test_a_missing_output_where_something_is_required() -> None:
    problem = check_output(Output(), SCHEMA, keep).problem
    assert problem is not None
    assert problem.startswith("The code wrote no output")
    assert "'a' is missing" in problem


def test_many_mistakes_are_counted() -> None:
    schema = {"additionalProperties": False}
    problem = check_output(Output({f"p{n}": 1 for n in range(9)}), schema, keep).problem
    assert "and 4 more" in (problem or "")


def test_half_a_secret_is_not_shown_either() -> None:
    secret = "s3cret-" + "x9" * 50
    value = {"a": f"begin {secret}", "b": secret}
    schema = {"properties": {"a": {"type": "integer"}, "b": {"minLength": 500}}}
    problem = check_output(Output(value), schema, Masker([secret]).mask_value).problem or ""
    assert "s3cret" not in problem
    assert '/a: expected an integer, not "begin ***"' in problem


def test_a_secret_in_a_name_is_not_shown_as_a_pointer_either() -> None:
    secret = "pa~th/to-it"
    schema = {"additionalProperties": {"additionalProperties": {"minLength": 5}}}
    value = {secret: {f"x{secret}": "a"}, "plain": {secret: "***"}}
    problem = check_output(Output(value), schema, Masker([secret]).mask_value).problem or ""
    assert "to-it" not in problem
    assert "/***/x***: expected at least 5 characters" in problem
    assert "/plain/***" in problem


@pytest.mark.slow
def test_a_check_that_takes_too_long() -> None:
    definitions: dict[str, Any] = {
        f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)
    }
    schema = {"$ref": "#/$defs/a0", "$defs": {**definitions, "a40": {"type": "object"}}}
    assert "takes longer" in (check_output(Output({"a": 1}), schema, keep).problem or "")
