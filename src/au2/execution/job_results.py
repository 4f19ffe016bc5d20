"""What a run left in its job files, read with distrust: its code may have put anything there."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from au2.domain.container_contract import LAUNCHER_FILE, OUTPUT_FILE, STATUS_FILE
from au2.domain.errors import InvalidRequest, TooLarge
from au2.execution.outcome import Output, parse_output, too_large
from au2.execution.status import STATUS_LIMIT_BYTES, Status, parse_status

_LAUNCHER_LIMIT_BYTES = 64 << 10


class ReadJobFile(Protocol):
    """Gives a job file's content, as :meth:`au2.engines.base.Engine.read_file` does."""

    def __call__(self, name: str, limit_bytes: int, /) -> bytes | None:
        """Return the content, None if it is not there. Raises TooLarge, InvalidRequest."""
        ...


def read_output(read: ReadJobFile, *, limit_bytes: int) -> Output:
    """Return what the code left in its output file."""
    try:
        content = read(OUTPUT_FILE, limit_bytes)
    except TooLarge:
        return Output(problem=too_large(limit_bytes))
    except InvalidRequest as error:
        return Output(problem=f"The output file can't be read: {error.message}")
    return parse_output(content, limit_bytes=limit_bytes)


def read_launcher(read: ReadJobFile) -> Mapping[str, Any]:
    """Return the launcher's own record; empty where there is none that can be read."""
    content = _read_if_fit(read, LAUNCHER_FILE, _LAUNCHER_LIMIT_BYTES)
    try:
        document = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def read_status(read: ReadJobFile, mask: Callable[[str], str]) -> Status | None:
    """Return what the code says of itself; None while there is nothing that can be read.

    ``mask``: covers secrets in its text.
    """
    content = _read_if_fit(read, STATUS_FILE, STATUS_LIMIT_BYTES)
    return None if content is None else parse_status(content, mask)


def _read_if_fit(read: ReadJobFile, name: str, limit_bytes: int) -> bytes | None:
    """A file that the code may have spoilt: then it counts as missing."""
    try:
        return read(name, limit_bytes)
    except InvalidRequest:
        return None
