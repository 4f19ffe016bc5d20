"""Processes of which only a number is known, and numbers are used again."""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process: its number, and when it began, in clock ticks since the host did."""

    pid: int
    start_ticks: int


def identify(pid: int) -> ProcessIdentity | None:
    """Return the identity of the process that has this number now; None if there is none."""
    found = _read(pid)
    return None if found is None else ProcessIdentity(pid, found[1])


def is_alive(process: ProcessIdentity) -> bool:
    """Whether the process runs; one that only waits to be collected does not."""
    found = _read(process.pid)
    return found is not None and found[0] not in "ZX" and found[1] == process.start_ticks


def send_signal(process: ProcessIdentity, number: int) -> bool:
    """Send a signal to exactly this process; return False if it is no more."""
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(process.pid)
        try:
            # From here on the number can't come to mean another process.
            if is_alive(process):
                signal.pidfd_send_signal(descriptor, number)
                return True
        finally:
            os.close(descriptor)
    return False


def read_pid(file: Path) -> int | None:
    """Return the number in a file; None if there is none."""
    try:
        return int(file.read_text("ascii").strip())
    except (OSError, ValueError):
        return None


def _read(pid: int) -> tuple[str, int] | None:
    """Return state and start time (proc(5), ``/proc/pid/stat``)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    # The name, in brackets, may hold anything.
    fields = text[text.rindex(")") + 2 :].split()
    return fields[0], int(fields[19])
