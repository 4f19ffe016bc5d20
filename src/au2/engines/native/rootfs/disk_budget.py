"""Disk budget of an unpacking: bytes and inodes, checked now and then, as is the wish to stop."""

import os
from collections.abc import Callable

from au2.domain.errors import StorageFull
from au2.engines.protocol import spare_bytes
from au2.oci.streams import Readable

_STEPS_AT_ONCE = 1000
_BYTES_AT_ONCE = 16 << 20
_INODE_BYTES = 4096
"""Bytes of a file or folder beside its content: a block for names or a link's target."""
_LEFT_INODES_SHARE = 100
"""Of inodes less is left than of bytes: nobody else needs them by the thousand."""


class DiskBudget:
    """Budget on the file system of the folder with the descriptor ``descriptor``.

    An archive takes more than the size that it states: every file and folder, also one that only a
    path names, takes an inode and often a block. Some space is left for the records of jobs.
    """

    def __init__(self, descriptor: int, check: Callable[[], None]) -> None:
        """``check`` raises when the work is to end."""
        self._descriptor = descriptor
        self._check = check
        # The first that is written is looked at too: an image may have many small layers.
        self._inodes = self._bytes = 0
        self._next_inodes = self._next_bytes = 0
        self._steps = _STEPS_AT_ONCE
        self._passed_bytes = _BYTES_AT_ONCE

    def spend(self, *, inodes: int = 0, size_bytes: int = 0) -> None:
        """Count writes. Raises StorageFull, and the exceptions of ``check``."""
        self._inodes -= inodes
        self._bytes -= size_bytes + inodes * _INODE_BYTES
        if self._inodes < 0 or self._bytes < 0:
            self._check()
            self._look()

    def pass_by(self, *, steps: int = 0, size_bytes: int = 0) -> None:
        """Count work that takes time and no space. Raises the exceptions of ``check``."""
        self._steps -= steps
        self._passed_bytes -= size_bytes
        if self._steps < 0 or self._passed_bytes < 0:
            self._steps, self._passed_bytes = _STEPS_AT_ONCE, _BYTES_AT_ONCE
            self._check()

    def _look(self) -> None:
        found = os.fstatvfs(self._descriptor)
        left_bytes = spare_bytes(found.f_blocks * found.f_frsize)
        if found.f_bavail * found.f_frsize < left_bytes + self._next_bytes:
            raise StorageFull("The image does not fit on the server's disk.")
        # Some file systems make inodes as they are needed, and say that they have none.
        left_inodes = found.f_files // _LEFT_INODES_SHARE
        if found.f_files and found.f_favail < left_inodes + self._next_inodes:
            raise StorageFull("The image has more files than the server's disk can hold.")
        self._inodes = self._next_inodes = _STEPS_AT_ONCE
        self._bytes = self._next_bytes = _BYTES_AT_ONCE


class MeteredStream:
    """Stream whose every byte counts as work, also bytes that become no file."""

    def __init__(self, stream: Readable, budget: DiskBudget) -> None:
        self._stream = stream
        self._budget = budget

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes. Raises the exceptions of the budget's ``check``."""
        data = self._stream.read(size)
        self._budget.pass_by(size_bytes=len(data))
        return data
