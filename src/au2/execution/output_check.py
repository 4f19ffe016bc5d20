"""Validation of a run's output against its schema."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from au2.domain.errors import CheckTooCostly, Detail
from au2.domain.json_value import format_pointer, parse_pointer
from au2.execution.job_results import Output
from au2.jsonschema.validator import validate

_MOST_SHOWN = 5


def check_output(
    output: Output, schema: Mapping[str, Any] | None, mask: Callable[[Any], Any]
) -> Output:
    """Return the output, with a problem for a mismatch with the schema.

    Args:
        output: as read. A missing file counts as an object without properties.
        schema: of the output; None: the process is not structured, so any object is valid.
        mask: masks secrets in a JSON value, because messages quote the value.
    """
    if schema is None or output.problem is not None:
        return output
    value = {} if output.value is None else output.value
    try:
        violations = validate(schema, value)
        if violations:
            violations = _without_secrets(violations, schema, value, mask)
    except CheckTooCostly as error:
        return replace(output, problem=error.explanation)
    return replace(output, problem=_describe(violations, output)) if violations else output


def _without_secrets(
    violations: list[Detail], schema: Mapping[str, Any], value: Any, mask: Callable[[Any], Any]
) -> list[Detail]:
    """Return the violations of the masked value: a shortened text would hide no secret."""
    masked = mask(value)
    if masked == value:
        return violations
    # A name may be a secret too, and is no longer found once it is written as a pointer.
    pointers = dict.fromkeys(_mask_pointer(violation.pointer, mask) for violation in violations)
    shown_violations = [
        violation for violation in validate(schema, masked) if violation.pointer in pointers
    ]
    shown = {violation.pointer for violation in shown_violations}
    return shown_violations + [
        Detail("it does not match (not shown: it may hold a secret)", pointer)
        for pointer in pointers
        if pointer not in shown
    ]


def _mask_pointer(pointer: str | None, mask: Callable[[Any], Any]) -> str:
    return format_pointer([mask(name) for name in parse_pointer(pointer or "")])


def _describe(violations: list[Detail], output: Output) -> str:
    shown = "; ".join(str(violation) for violation in violations[:_MOST_SHOWN])
    if len(violations) > _MOST_SHOWN:
        shown += f"; and {len(violations) - _MOST_SHOWN} more"
    if output.value is None:
        return f"The code wrote no output, but out.schema.yml asks for some: {shown}."
    return f"The output does not match out.schema.yml: {shown}."
