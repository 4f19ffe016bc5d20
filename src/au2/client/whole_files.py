"""Writing a stream to a file that is there whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from au2.client.file_faults import told_as_file_faults
from au2.oci.streams import Readable

BLOCK_BYTES: Final = 1 << 20
_PERMISSIONS: Final = 0o666
"""Less what the user's mask takes away."""


def save_whole(stream: Readable, path: Path, progress: Callable[[int], None]) -> None:
    """Write ``stream`` to ``path``, in the place of a file that was there.

    A device or a pipe is written to as it is.

    Args:
        stream: read to its end.
        path: where to; a link is followed.
        progress: told how many more bytes were written.

    Raises:
        Au2Error: the file can't be written; what was there before still is.
    """
    with told_as_file_faults(path):
        target = path.resolve()
        is_special = target.exists() and not target.is_file()
    if is_special:
        with told_as_file_faults(path):
            file = target.open("wb")
        with file:
            _copy(stream, file, path, progress)
        return
    incoming = target.with_name(f".{target.name[:100]}.{os.getpid()}")
    try:
        _write_new(stream, incoming, path, progress)
        with told_as_file_faults(path):
            incoming.replace(target)
    finally:
        incoming.unlink(missing_ok=True)


def _write_new(
    stream: Readable, incoming: Path, path: Path, progress: Callable[[int], None]
) -> None:
    with told_as_file_faults(path):
        descriptor = os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PERMISSIONS)
    with os.fdopen(descriptor, "wb") as file:
        _copy(stream, file, path, progress)
        with told_as_file_faults(path):
            os.fsync(descriptor)


def _copy(stream: Readable, file: BinaryIO, path: Path, progress: Callable[[int], None]) -> None:
    # Only the file's part is guarded: what the stream raises is not the file's fault.
    while block := stream.read(BLOCK_BYTES):
        with told_as_file_faults(path):
            file.write(block)
        progress(len(block))
    with told_as_file_faults(path):
        file.flush()
