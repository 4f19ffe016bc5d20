from typing import Any

from au2.execution.job_results import Output
from au2.execution.output_check import check_output
from au2.secrets.masking import Masker

SCHEMA = {"properties": {"a": {"type": "integer"}}, "required": ["a"]}


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


def test_a_check_that_takes_too_long() -> None:
    definitions: dict[str, Any] = {
        f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)
    }
    schema = {"$ref": "#/$defs/a0", "$defs": {**definitions, "a40": {"type": "object"}}}
    assert "takes longer" in (check_output(Output({"a": 1}), schema, keep).problem or "")
