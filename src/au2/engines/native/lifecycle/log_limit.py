"""Limits of a container's raw log: its size, and its growth while the disk is nearly full.

The monitor drops output that can't be written, silently. So on a nearly full disk the monitor's
file-size limit is set to the end of the preallocated space: later output is dropped too, but the
position of the gap is known.
"""

import re
import resource
from contextlib import suppress
from pathlib import Path

from au2.engines.native.lifecycle.record import ContainerRecord, is_alive
from au2.engines.native.paths import ContainerPaths
from au2.stores.logs.base import PREALLOCATED_BYTES
from au2.stores.logs.preallocation import preallocate
from au2.stores.logs.record import PLATFORM, Record, format_record, format_time_now

_REMARK_BYTES = 1024
_LEAST_LIMIT_BYTES = 4096
"""The monitor must be able to write the exit code."""
_TAIL_BYTES = 64 << 10
"""More than any record of the monitor has."""
_BEGINNING = re.compile(rb"\S{20,40} (?:stdout|stderr) [PF] ")


def restrict_log(container: ContainerPaths, record: ContainerRecord) -> None:
    """Let the raw log grow within its preallocated space only. Idempotent."""
    if container.log_limit.exists():
        return
    held_bytes = max(0, preallocate(container.log, PREALLOCATED_BYTES) - _REMARK_BYTES)
    limit_bytes = max(container.log.stat().st_size + held_bytes, _LEAST_LIMIT_BYTES)
    limit_bytes = min(limit_bytes, record.log_limit_bytes)
    container.log_limit.write_text(str(limit_bytes), "ascii")
    limit_log(record, limit_bytes)


def allow_log(container: ContainerPaths, record: ContainerRecord, remark: str) -> None:
    """Let the raw log grow as before; where something was dropped, ``remark`` stands in the log.

    Raises OSError where there is no space for the remark; then nothing has changed.
    """
    if is_log_cut(container):
        # Nobody else may write while the end is put in order.
        limit_log(record, _LEAST_LIMIT_BYTES)
        _close_last_record(container.log)
        with container.log.open("ab", buffering=0) as log:
            log.write(format_record(Record(format_time_now(), PLATFORM, False, remark.encode())))
    limit_log(record, record.log_limit_bytes)
    container.log_limit.unlink(missing_ok=True)


def is_log_cut(container: ContainerPaths) -> bool:
    """Whether the raw log is restricted and has filled its preallocated space."""
    try:
        limit_bytes = int(container.log_limit.read_text("ascii"))
        return container.log.stat().st_size >= limit_bytes
    except FileNotFoundError:
        return False


def limit_log(record: ContainerRecord, limit_bytes: int) -> None:
    """Keep the raw log from growing past the limit; what is printed beyond is read and dropped.

    The monitor's limit of file sizes holds to the byte. The monitor ignores the signal that tells
    of it. Set before the container is created, the limit would hold for the OCI runtime too.
    """
    limits = (limit_bytes, resource.RLIM_INFINITY)
    with suppress(ProcessLookupError):
        if is_alive(record.monitor):
            resource.prlimit(record.monitor.pid, resource.RLIMIT_FSIZE, limits)


def _close_last_record(log: Path) -> None:
    """Complete the last record, which ends with the space; a mere beginning is dropped."""
    with log.open("rb+", buffering=0) as file:
        end = file.seek(0, 2)
        start = file.seek(max(0, end - _TAIL_BYTES))
        tail = file.read()
        if not tail or tail.endswith(b"\n"):
            return
        last = tail[tail.rfind(b"\n") + 1 :]
        if _BEGINNING.match(last):
            file.seek(end)
            file.write(b"\n")
        else:
            file.truncate(start + len(tail) - len(last))
