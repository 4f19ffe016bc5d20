"""Results of the code in its job files: output, status, the launcher's record.

The files are untrusted: the code may put any bytes, or no regular file, in their place.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from au2.domain.errors import CheckTooCostly, Detail, InvalidRequest, TooLarge
from au2.domain.jobs.container_contract import LAUNCHER_FILE, OUTPUT_FILE, STATUS_FILE
from au2.domain.json_value import find_json_error, format_pointer, parse_pointer
from au2.domain.wording import as_sentence, format_bytes
from au2.jsonschema.validator import validate

_LAUNCHER_LIMIT_BYTES = 64 << 10
_STATUS_LIMIT_BYTES = 64 << 10
_MAX_STATUS_CHARACTERS = 1000
_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Output:
    """The content of the output file."""

    value: Mapping[str, Any] | None = None
    problem: str | None = None
    """Why the output is not valid."""


@dataclass(frozen=True, slots=True)
class Status:
    """Status text and progress (0 to 1); None: not given."""

    text: str | None = None
    progress: float | None = None


class ReadJobFile(Protocol):
    """Reader of job files, as :meth:`au2.engines.protocol.Engine.read_file`."""

    def __call__(self, name: str, limit_bytes: int, /) -> bytes | None:
        """Return the content; None: no such file. Raises TooLarge, InvalidRequest."""


def read_output(read: ReadJobFile, *, limit_bytes: int) -> Output:
    """Return the output of an ended run."""
    try:
        content = read(OUTPUT_FILE, limit_bytes)
    except TooLarge:
        return Output(problem=_too_large(limit_bytes))
    except InvalidRequest as error:
        return Output(problem=f"The output file can't be read: {error.message}")
    return parse_output(content, limit_bytes=limit_bytes)


def read_launcher(read: ReadJobFile) -> Mapping[str, Any]:
    """Return the launcher's record; empty if unreadable."""
    content = _read_if_fit(read, LAUNCHER_FILE, _LAUNCHER_LIMIT_BYTES)
    try:
        document = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def read_status(read: ReadJobFile, mask: Callable[[str], str]) -> Status | None:
    """Return the status of a run, or None if unreadable.

    Args:
        read: reads a job file.
        mask: masks secrets in a text.
    """
    content = _read_if_fit(read, STATUS_FILE, _STATUS_LIMIT_BYTES)
    return None if content is None else parse_status(content, mask)


def parse_output(content: bytes | None, *, limit_bytes: int) -> Output:
    """Return the output in a file's content. None, for a missing file, is valid."""
    if content is None:
        return Output()
    try:
        value = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        return Output(problem=as_sentence(f"The output file is not JSON: {error}"))
    if not isinstance(value, dict):
        return Output(problem=f"The output must be a JSON object, not {_json_name(value)}.")
    if len(content) > limit_bytes:
        return Output(problem=_too_large(limit_bytes))
    if error_text := find_json_error(value):
        return Output(problem=as_sentence(f"The output can't be encoded as JSON: {error_text}"))
    return Output(value)


def parse_status(content: bytes, mask: Callable[[str], str]) -> Status | None:
    """Return the status in a file's content; None: the content is not (yet) valid JSON.

    ``{"text": …, "progress": …}``, both optional. A member of the wrong type is ignored: a status
    never fails a job. Secrets are masked before a long text is cut, because half of a secret
    would not be found.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or find_json_error(document):
        return None
    text = document.get("text")
    return Status(
        mask(text)[:_MAX_STATUS_CHARACTERS] if isinstance(text, str) else None,
        _parse_progress(document.get("progress")),
    )


def _read_if_fit(read: ReadJobFile, name: str, limit_bytes: int) -> bytes | None:
    """Return a file's content; None: missing, too large, or no regular file."""
    try:
        return read(name, limit_bytes)
    except InvalidRequest:
        return None


def _parse_progress(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Bounded first: a whole number may be too large for a float.
    return float(min(1, max(0, value)))


def _too_large(limit_bytes: int) -> str:
    return (
        f"The output file is larger than {format_bytes(limit_bytes)}. "
        "Write a summary there and keep bulk data in other storage."
    )


def _json_name(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


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
    return (
        replace(output, problem=_describe_violations(violations, output)) if violations else output
    )


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


def _describe_violations(violations: list[Detail], output: Output) -> str:
    shown = "; ".join(str(violation) for violation in violations[:_MOST_SHOWN])
    if len(violations) > _MOST_SHOWN:
        shown += f"; and {len(violations) - _MOST_SHOWN} more"
    if output.value is None:
        return f"The code wrote no output, but out.schema.yml asks for some: {shown}."
    return f"The output does not match out.schema.yml: {shown}."
