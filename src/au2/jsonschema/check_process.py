"""A check in a process of its own, with limits of time and memory and a bounded queue."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

from au2.domain.errors import CheckTooCostly, Conflict, Detail
from au2.jsonschema.limits import CHECK_SECONDS

_WAIT_SECONDS = 4.0 * CHECK_SECONDS
"""Longest time by the clock, for machines that are busy."""
_AT_ONCE = 4
"""Checks that run at a time: each may take :data:`~au2.jsonschema.limits.CHECK_MEMORY_BYTES`."""
_MOST_IMPATIENT = 12
"""Threads that run a check or wait for their turn; a server has more to do than this."""
_turns = BoundedSemaphore(_AT_ONCE)
_room = BoundedSemaphore(_MOST_IMPATIENT)
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
    if patient:
        return _ask({"schema": schema, "value": value})
    with _a_place():
        return _ask({"schema": schema, "value": value})


def compile_in_process(schema: Mapping[str, Any], *, patient: bool = True) -> list[Detail]:
    """Return the first violation in ``schema`` itself, if there is one.

    Raises as :func:`check_in_process`.
    """
    if patient:
        return _ask({"schema": schema})
    with _a_place():
        return _ask({"schema": schema})


@contextmanager
def _a_place() -> Iterator[None]:
    if not _room.acquire(blocking=False):
        raise Conflict(
            "The server is busy with other checks that take long.", hint="Try again in a moment."
        )
    try:
        yield
    finally:
        _room.release()


def _ask(work: Mapping[str, Any]) -> list[Detail]:
    written = json.dumps(work).encode()
    try:
        with _turns:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "au2.jsonschema.worker"],
                input=written,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=_WAIT_SECONDS,
                check=False,
            )
        told = done.stdout
    except subprocess.TimeoutExpired as error:
        told = error.stdout or b""
    # It tells what it knows as soon as it knows it: the last whole line says most.
    for line in reversed(told.splitlines(keepends=True)):
        if line.endswith(b"\n"):
            return [Detail(message, pointer) for message, pointer in json.loads(line)]
    raise CheckTooCostly(hint=_HINT)
