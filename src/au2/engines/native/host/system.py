"""Interface to Linux: tools as child processes, errors, and system calls missing in Python."""

import ctypes
import errno
import fcntl
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from au2.domain.errors import EngineFailure, StorageFull, Unsupported

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_LIBC = ctypes.CDLL(None, use_errno=True)
_OPENAT2 = 437
"""The number of openat2 on every architecture."""
_SETRESUID = {"x86_64": 117, "ppc64le": 169, "s390x": 208}.get(platform.machine(), 147)
"""The number of setresuid: 147 where system calls were numbered anew (asm-generic/unistd.h)."""
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_IN_ROOT = 0x10
_ATTEMPTS = 64
_GET_FLAGS, _SET_FLAGS = 0x80086601, 0x40086602
"""FS_IOC_GETFLAGS and FS_IOC_SETFLAGS of linux/fs.h; what they move is an int, despite the name."""
_TOP_FOLDER = 0x00020000
_INT_BYTES = 4
_NO_SUCH_FLAG = frozenset({errno.ENOTTY, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM})

MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MNT_DETACH = 0x2
UMOUNT_NOFOLLOW = 0x8
_CLONE_NEWNET = 0x40000000
_CAPABILITY_VERSION = 0x20080522
"""``_LINUX_CAPABILITY_VERSION_3``: two words of each set."""


def tool_environment() -> dict[str, str]:
    """Return the environment for tools: nothing of the platform's own, which may hold secrets.

    The folders for administrators' tools are searched even where the platform was started
    without them.
    """
    return {"PATH": f"{os.environ.get('PATH', '')}:{_PATH}".lstrip(":"), "LC_ALL": "C.UTF-8"}


def run_tool(
    command: Sequence[str], *, given: str | None = None, timeout_seconds: float = 60.0
) -> str:
    """Run a command and return its output.

    Raises:
        Unsupported: the command is not installed.
        EngineFailure: failure or timeout; the message holds the command's error output.
    """
    try:
        done = subprocess.run(
            command,
            input=given.encode() if given is not None else b"",
            capture_output=True,
            env=tool_environment(),
            cwd="/",
            timeout=timeout_seconds,
            check=False,
        )
    except FileNotFoundError as error:
        raise Unsupported(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise EngineFailure(f"{command[0]} did not end within {timeout_seconds:g} s") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}"
        raise EngineFailure(f"{' '.join(command[:3])}: {said[-2000:]}")
    return done.stdout.decode("utf-8", "replace")


def is_full(error: OSError) -> bool:
    """Whether a disk was full."""
    return error.errno in _FULL


@contextmanager
def as_engine_failure(doing: str) -> Iterator[None]:
    """Turn an OSError inside the block into StorageFull or EngineFailure.

    Args:
        doing: the attempted work, for the message: "unpack a layer".
    """
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise StorageFull from error
        raise EngineFailure(f"could not {doing}: {error}") from error


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilityData(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_in_root(root: int, path: str, flags: int) -> int:
    """Open ``path`` as if the folder ``root`` were ``/``: links can't lead outside.

    Args:
        root: descriptor of a folder.
        path: relative or absolute; ``""`` is the root itself.
        flags: as for ``os.open``; close-on-exec is added. Creating is not supported.
    """
    how = _OpenHow(flags | os.O_CLOEXEC, 0, _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS)
    name = os.fsencode(path) or b"."
    for _ in range(_ATTEMPTS):
        result = _LIBC.syscall(
            ctypes.c_long(_OPENAT2),
            ctypes.c_int(root),
            ctypes.c_char_p(name),
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        )
        if result >= 0:
            return int(result)
        # EAGAIN: something was renamed meanwhile, and the kernel could not be sure.
        if ctypes.get_errno() not in (errno.EAGAIN, errno.EINTR):
            break
    raise _last_error(path)


@contextmanager
def closing(descriptor: int) -> Iterator[int]:
    """Close ``descriptor`` at the end of the block."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_folder(folder: Path) -> AbstractContextManager[int]:
    """Open a folder during a block; yields its descriptor."""
    return closing(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))


def spread_folders(folder: Path) -> None:
    """Tell the file system to spread the folders in ``folder`` over the disk.

    Ext4 then begins each in another part of the disk (FS_TOPDIR_FL, ``chattr +T``), with room for
    many new files. Otherwise new files go where files were removed lately, whose inodes stay
    unusable for minutes (``recently_deleted`` of fs/ext4/ialloc.c): each new file costs a walk past
    all of them. Harmless on other file systems.
    """
    with open_folder(folder) as descriptor:
        try:
            found = fcntl.ioctl(descriptor, _GET_FLAGS, bytes(_INT_BYTES))
            flags = int.from_bytes(found, sys.byteorder)
            if not flags & _TOP_FOLDER:
                wanted = (flags | _TOP_FOLDER).to_bytes(_INT_BYTES, sys.byteorder)
                fcntl.ioctl(descriptor, _SET_FLAGS, wanted)
        except OSError as error:
            if error.errno not in _NO_SUCH_FLAG:
                raise


def mount(source: str, target: Path, kind: str, flags: int, options: str) -> None:
    """Mount a file system."""
    arguments = [os.fsencode(value) for value in (source, target, kind)]
    if _LIBC.mount(*arguments, ctypes.c_ulong(flags), options.encode()) != 0:
        raise _last_error(str(target))


def unmount(target: Path) -> bool:
    """Unmount the uppermost mount on ``target``; return False without one."""
    if _LIBC.umount2(os.fsencode(target), MNT_DETACH | UMOUNT_NOFOLLOW) == 0:
        return True
    if ctypes.get_errno() in (errno.EINVAL, errno.ENOENT):
        return False
    raise _last_error(str(target))


def enter_network(descriptor: int) -> None:
    """Move the calling thread, and no other, into the network namespace of ``descriptor``."""
    if _LIBC.setns(ctypes.c_int(descriptor), ctypes.c_int(_CLONE_NEWNET)) != 0:
        raise _last_error("")


@contextmanager
def file_user(user: int) -> Iterator[None]:
    """Access files as ``user`` in the calling thread only, with root's capabilities.

    The user is the owner of new files, and decides about the blocks reserved by the file system for
    root (``s_resuid`` of ext4).
    """
    _set_file_user(user)
    try:
        yield
    finally:
        _set_file_user(0)


def _set_file_user(user: int) -> None:
    _LIBC.setfsuid(ctypes.c_uint(user))
    # The kernel has dropped the capabilities that concern files, from the effective set alone.
    header = _CapabilityHeader(_CAPABILITY_VERSION, 0)
    data = (_CapabilityData * 2)()
    if _LIBC.capget(ctypes.byref(header), data) != 0:
        raise _last_error("")
    for word in data:
        word.effective = word.permitted
    if _LIBC.capset(ctypes.byref(header), data) != 0:
        raise _last_error("")


def become(user: int) -> None:
    """Give the calling thread, and no other, the effective user id ``user``.

    ``os.seteuid`` would change all threads of the process.
    """
    same = ctypes.c_int(-1)
    if _LIBC.syscall(ctypes.c_long(_SETRESUID), same, ctypes.c_uint(user), same) != 0:
        raise _last_error("")


def sync_file_system(descriptor: int) -> None:
    """Write all data of the file system of ``descriptor`` to disk."""
    if _LIBC.syncfs(descriptor) != 0:
        raise _last_error("")


def _last_error(path: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), path or None)
