"""A check in a process of its own: with a limit of time and memory, and nobody waits for ever."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from au2.domain.errors import CheckTooCostly, Detail
from au2.schemas.limits import CHECK_SECONDS

_WAIT_SECONDS = 4.0 * CHECK_SECONDS
"""Longest time by the clock, for machines that are busy."""
_HINT = (
    "Make the schema simpler: fewer alternatives inside alternatives, shorter patterns. "
    "Or give a smaller value."
)


def check_outside(schema: Mapping[str, Any], value: Any) -> list[Detail]:
    """Return the mistakes in ``value``. Raises CheckTooCostly."""
    return _ask({"schema": schema, "value": value})


def compile_outside(schema: Mapping[str, Any]) -> list[Detail]:
    """Return the first mistake in ``schema`` itself, if there is one. Raises CheckTooCostly."""
    return _ask({"schema": schema})


def _ask(work: Mapping[str, Any]) -> list[Detail]:
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "au2.schemas.worker"],
            input=json.dumps(work).encode(),
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
