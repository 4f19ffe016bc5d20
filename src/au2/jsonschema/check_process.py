"""Checks in a process of their own, with limits of time and memory and a bounded queue.

This module is also the program of that process: schema and value in, violations out.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

import jsonschema_rs

from au2.domain.errors import CheckTooCostly, Conflict, Detail
from au2.domain.json_value import format_pointer
from au2.jsonschema.violations import (
    compile_schema,
    explain,
    explain_schema_error,
    list_violations,
)

_CHECK_SECONDS = 3
"""Processor time of a check."""
_CHECK_MEMORY_BYTES = 2 << 30
_WAIT_SECONDS = 4.0 * _CHECK_SECONDS
"""Longest time by the clock, for machines that are busy."""
_AT_ONCE = 4
"""Checks that run at a time: each may take ``_CHECK_MEMORY_BYTES``."""
_MOST_IMPATIENT = 12
"""Threads that run a check or wait for their turn; a server has more to do than this."""
_turns = BoundedSemaphore(_AT_ONCE)
_impatient = BoundedSemaphore(_MOST_IMPATIENT)
_HINT = (
    "Make the schema simpler: fewer alternatives inside alternatives, shorter patterns. "
    "Or give a smaller value."
)


def check_in_process(
    schema: Mapping[str, Any], value: Any, *, patient: bool = True
) -> list[Detail]:
    """Return the violations in ``value``.

    Raises:
        CheckTooCostly: the check exceeds the limit of time or memory.
        Conflict: not ``patient``, and too many checks wait already.
    """
    return _run({"schema": schema, "value": value}, patient=patient)


def compile_in_process(schema: Mapping[str, Any], *, patient: bool = True) -> list[Detail]:
    """Return the first violation in ``schema`` itself, if there is one.

    Raises as :func:`check_in_process`.
    """
    return _run({"schema": schema}, patient=patient)


@contextmanager
def _turn(*, patient: bool) -> Iterator[None]:
    if not patient and not _impatient.acquire(blocking=False):
        raise Conflict(
            "The server is busy with other checks that take long.", hint="Try again in a moment."
        )
    try:
        with _turns:
            yield
    finally:
        if not patient:
            _impatient.release()


def _run(work: Mapping[str, Any], *, patient: bool) -> list[Detail]:
    try:
        with _turn(patient=patient):
            done = subprocess.run(
                [sys.executable, "-P", "-m", __name__],
                input=json.dumps(work).encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=_WAIT_SECONDS,
                check=False,
            )
        output = done.stdout
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
    # The process writes each result as soon as it is known: the last whole line says most.
    for line in reversed(output.splitlines(keepends=True)):
        if line.endswith(b"\n"):
            return [Detail(message, pointer) for message, pointer in json.loads(line)]
    raise CheckTooCostly(hint=_HINT)


def main() -> None:
    """Check one value. The kernel ends this process above its limits."""
    import resource  # noqa: PLC0415 - Windows has none, where only `au2` runs

    resource.setrlimit(resource.RLIMIT_CPU, (_CHECK_SECONDS, _CHECK_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_CHECK_MEMORY_BYTES, _CHECK_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    work = json.load(sys.stdin.buffer)
    schema = work["schema"]
    try:
        compiled = compile_schema(schema)
    except jsonschema_rs.ValidationError as error:
        _write([Detail(explain_schema_error(error), format_pointer(error.instance_path))])
        return
    if "value" not in work or compiled.is_valid(work["value"]):
        _write([])
        return
    # A list of all violations may take more than the limits: something is known by then.
    _write([Detail("it does not match the schema", "")])
    try:
        compiled.validate(work["value"])
    except jsonschema_rs.ValidationError as error:
        _write(list(explain(error, schema, work["value"]))[:1])
    _write(list_violations(compiled, schema, work["value"]))


def _write(violations: list[Detail]) -> None:
    line: list[Any] = [[violation.message, violation.pointer] for violation in violations]
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
