"""Whether the output of a run is what its schema promises."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from au2.domain.errors import CheckTooCostly, Detail
from au2.execution.outcome import Output
from au2.jsonschema.subschemas import format_pointer, parse_pointer
from au2.jsonschema.validator import validate

_MOST_TOLD = 5


def check_output(
    output: Output, schema: Mapping[str, Any] | None, mask: Callable[[Any], Any]
) -> Output:
    """Return ``output`` with the problem that it does not match ``schema``, if that is so.

    Args:
        output: as it was read. A file that was not written is an object without properties here.
        schema: None: the process is not structured, so any object will do.
        mask: covers secrets in a JSON value, since messages quote it.
    """
    if schema is None or output.problem is not None:
        return output
    value = {} if output.value is None else output.value
    try:
        mistakes = validate(schema, value)
        if mistakes:
            mistakes = _without_secrets(mistakes, schema, value, mask)
    except CheckTooCostly as error:
        return replace(output, problem=f"{error.message} {error.hint or ''}".strip())
    return replace(output, problem=_tell(mistakes, output)) if mistakes else output


def _without_secrets(
    mistakes: list[Detail], schema: Mapping[str, Any], value: Any, mask: Callable[[Any], Any]
) -> list[Detail]:
    """Return the mistakes as they are told of the masked value: a shortened text hides nothing."""
    masked = mask(value)
    if masked == value:
        return mistakes
    # A name may be a secret too, and is no longer found once it is written as a pointer.
    pointers = dict.fromkeys(_mask_pointer(mistake.pointer, mask) for mistake in mistakes)
    told = [mistake for mistake in validate(schema, masked) if mistake.pointer in pointers]
    shown = {mistake.pointer for mistake in told}
    return told + [
        Detail("it does not match (not shown: it may hold a secret)", pointer)
        for pointer in pointers
        if pointer not in shown
    ]


def _mask_pointer(pointer: str | None, mask: Callable[[Any], Any]) -> str:
    return format_pointer([mask(name) for name in parse_pointer(pointer or "")])


def _tell(mistakes: list[Detail], output: Output) -> str:
    shown = "; ".join(str(mistake) for mistake in mistakes[:_MOST_TOLD])
    if len(mistakes) > _MOST_TOLD:
        shown += f"; and {len(mistakes) - _MOST_TOLD} more"
    if output.value is None:
        return f"The code wrote no output, but out.schema.yml asks for some: {shown}."
    return f"The output does not match out.schema.yml: {shown}."
