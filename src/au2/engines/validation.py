"""Checks common to all engines: container ids, job files, signals, commands. Pure."""

import os
import re
import signal
from collections.abc import Sequence

from au2.domain.errors import Conflict, InvalidImage, InvalidRequest, NotFound
from au2.domain.jobs.container_contract import SCRATCH_FOLDER
from au2.engines.protocol import ContainerSpec
from au2.oci.spec.config import ImageConfig

_CONTAINER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_REAL_TIME = re.compile(r"RT(MIN|MAX)(?:([+-])([0-9]{1,2}))?")


def is_container_id(text: str) -> bool:
    """Whether ``text`` has the form of a container id, and so is safe as a file name."""
    return _CONTAINER_ID.fullmatch(text) is not None


def check_spec(spec: ContainerSpec) -> None:
    """Raise InvalidRequest unless container id and names of job files are valid."""
    if not is_container_id(spec.container_id):
        raise InvalidRequest(f"{spec.container_id[:100]!r} can't be a container id")
    for name in spec.files:
        check_job_file_name(name)
        if name == SCRATCH_FOLDER:
            raise InvalidRequest(f"{name!r} can't be the name of a job file")


def check_job_file_name(name: str) -> None:
    """Raise InvalidRequest unless ``name`` is one part of a path."""
    if name in ("", ".", "..") or "/" in name or "\0" in name or len(os.fsencode(name)) > 255:
        raise InvalidRequest(f"{name[:100]!r} can't be the name of a job file")


def no_container(container_id: str) -> NotFound:
    """Return the error for a missing container."""
    return NotFound(f"there is no container {container_id[:100]!r}")


def container_exists(container_id: str) -> Conflict:
    """Return the error for a used container id."""
    return Conflict(f"there is a container {container_id} already")


def choose_arguments(image: ImageConfig, command: Sequence[str] | None) -> list[str]:
    """Return entry point and command. Raises InvalidImage without either.

    Args:
        image: with ``Entrypoint`` and ``Cmd``.
        command: replaces ``Cmd`` unless None.
    """
    arguments = [*image.entrypoint, *(image.cmd if command is None else command)]
    if not arguments:
        raise InvalidImage(
            "the image has neither an entry point nor a command",
            hint="Give it an Entrypoint or a Cmd and upload it to a new version.",
        )
    return arguments


def choose_stop_signal(image: ImageConfig) -> str:
    """Return the image's stop signal; ``SIGTERM`` for none, or an unknown one."""
    try:
        parse_signal(image.stop_signal)
    except InvalidRequest:
        return "SIGTERM"
    return image.stop_signal


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
