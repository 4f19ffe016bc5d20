"""A small ext4 file system in a file: what a job fills in a moment, with blocks kept for root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def mounted_ext4(directory: Path, mebibytes: int) -> Iterator[None]:
    """Mount a file system of this size on ``directory`` while the block runs."""
    image = directory.with_name(f"{directory.name}.ext4")
    with image.open("wb") as file:
        file.truncate(mebibytes << 20)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(directory)], check=True)
    directory.chmod(0o711)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)
        image.unlink()


def fill_disk(directory: Path) -> Path:
    """Write, as root, until not a byte more goes on the file system; return the file."""
    path = directory / "filling"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with suppress(OSError):
        # All but a little at once, and the rest by writing.
        status = os.statvfs(directory)
        os.posix_fallocate(descriptor, 0, status.f_bfree * status.f_frsize - (4 << 20))
    for size_bytes in (1 << 20, 4096, 1):
        with suppress(OSError):
            while os.write(descriptor, b"x" * size_bytes):
                pass
    os.close(descriptor)
    return path


def free_bytes(directory: Path) -> int:
    """Space left for users other than root."""
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize
