"""Pipes that others write into."""

import fcntl
import sys
from contextlib import suppress
from typing import BinaryIO, Final

_PIPE_BYTES: Final = 1 << 20
"""What Linux lets everybody have (``/proc/sys/fs/pipe-max-size``)."""


def widen_pipe(stream: BinaryIO) -> None:
    """Let a pipe hold more than 64 KiB, if ``stream`` is one and may be widened (pipe(7)).

    Its writer then need not be woken sixteen times for each block that is read.
    """
    if sys.platform == "linux":
        # What is no pipe or no file at all can do without, and so can who has too many pipes.
        with suppress(OSError):
            fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
