"""How many places of a stored log say that something is missing there."""

import re

from au2.stores.logs.base import LogStore
from au2.stores.logs.record import PLATFORM

DISK_WAS_FULL = "The server's disk was full"
"""How the remarks of the platform begin that stand where output is missing for want of room."""
LIMIT_REACHED = "The log reached its limit"
"""How the remark begins that stands at the end of a log over its limit."""
_HEADER = f" {PLATFORM} F ".encode()
_GAP = re.compile(rf"(?m)^[^ \n]+ {PLATFORM} F (?:{DISK_WAS_FULL}|{LIMIT_REACHED})".encode())
_CHUNK_BYTES = 4 << 20


def count_gaps(logs: LogStore, job_id: int, attempt: int) -> int:
    """Return the number of remarks in a stored log about missing output.

    The log is read and not what this process remembers: another one may have written its beginning.
    Output of the code can't pass for a remark, since its records have other streams.
    """
    count, offset, rest = 0, 0, b""
    while chunk := logs.read(job_id, attempt, offset=offset, limit_bytes=_CHUNK_BYTES):
        offset += len(chunk)
        data = rest + chunk
        whole = data.rfind(b"\n") + 1
        if _HEADER in data:
            count += len(_GAP.findall(data[:whole]))
        rest = data[whole:]
    return count
