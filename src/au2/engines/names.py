"""Names that cross the engine protocol: container ids, job files and signals. Pure."""

import os
import re
import signal
from collections.abc import Iterable

from au2.domain.container_contract import SCRATCH_FOLDER
from au2.domain.errors import InvalidRequest

_CONTAINER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_REAL_TIME = re.compile(r"RT(MIN|MAX)(?:([+-])([0-9]{1,2}))?")


def is_container_id(text: str) -> bool:
    """Whether ``text`` has the form of a container id, and so is safe as a file name."""
    return _CONTAINER_ID.fullmatch(text) is not None


def check_new_job_files(names: Iterable[str]) -> None:
    """Raise InvalidRequest unless all are file names that a container may be given."""
    for name in names:
        check_job_file_name(name)
        if name == SCRATCH_FOLDER:
            raise InvalidRequest(f"{name!r} can't be the name of a job file")


def check_job_file_name(name: str) -> None:
    """Raise InvalidRequest unless ``name`` is one part of a path."""
    if name in ("", ".", "..") or "/" in name or "\0" in name or len(os.fsencode(name)) > 255:
        raise InvalidRequest(f"{name[:100]!r} can't be the name of a job file")


def parse_signal(text: str) -> int:
    """Return the number of ``SIGTERM``, ``TERM``, ``15`` or ``SIGRTMIN+3``.

    Raises:
        InvalidRequest: there is no such signal.
    """
    name = text.strip().upper().removeprefix("SIG")
    number = _find_number(name)
    if number is None or not 1 <= number <= signal.SIGRTMAX:
        raise InvalidRequest(f"{text[:40]!r} is not a signal")
    return number


def _find_number(name: str) -> int | None:
    if name.isascii() and name.isdigit():
        return int(name)
    real_time = _REAL_TIME.fullmatch(name)
    if real_time is not None:
        base = signal.SIGRTMIN if real_time[1] == "MIN" else signal.SIGRTMAX
        offset = int(real_time[3] or 0)
        return base - offset if real_time[2] == "-" else base + offset
    found = signal.Signals.__members__.get(f"SIG{name}")
    return None if found is None else int(found)
