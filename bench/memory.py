"""Memory of a server: the sum of its processes' proportional set sizes (PSS), in MiB.

PSS divides each shared page among those that map it, so that several processes of one program
are not counted as if they shared nothing. The page cache of files is not in it.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


def processes_of_session(session: int) -> list[int]:
    """Return the processes of a session: the server's own, and no container's."""
    found = []
    for pid in (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()):
        try:
            if os.getsid(pid) == session:
                found.append(pid)
        except ProcessLookupError:
            continue
    return found


def memory_mib(session: int) -> float:
    """Return the memory of all processes of a session."""
    total = 0
    for pid in processes_of_session(session):
        try:
            lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


@dataclass(slots=True)
class Peak:
    """The most that was seen."""

    mib: float = 0.0


@contextmanager
def watching(session: int, interval_seconds: float = 0.05) -> Iterator[Peak]:
    """Look at the memory of a session again and again while the block runs."""
    peak, done = Peak(), threading.Event()

    def look() -> None:
        while not done.wait(interval_seconds):
            peak.mib = max(peak.mib, memory_mib(session))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()
