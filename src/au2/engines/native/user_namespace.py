"""User namespaces of containers, each owned by a host id of its own, and capabilities inside.

The kernel counts some resources of processes (inotify instances and watches, queued signals,
timers, POSIX message queues, locked memory) for their user, and also for the creator of their user
namespace (``struct ucounts``, user_namespaces(7)). The OCI runtime would create the namespace as
the host's root: then all containers and root itself would share one limit, and one container could
use up all of it.
"""

import hashlib
import os
import resource
import select
import struct
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import IO, cast

from au2.domain.errors import EngineFailure, Unsupported
from au2.engines.native.host.system import become, tool_environment
from au2.engines.native.options import NativeOptions

_COMMAND = (
    "setpriv",
    *("--reuid", "{owner}", "--regid", "{owner}", "--clear-groups"),
    # Some hosts demand this capability for user namespaces.
    *("--inh-caps", "+sys_admin", "--ambient-caps", "+sys_admin"),
    *("unshare", "--user", "cat"),
)
_PATIENCE_SECONDS = 60.0
DEFAULT_CAPABILITIES: Mapping[str, int] = MappingProxyType(
    {
        "CAP_AUDIT_WRITE": 29,
        "CAP_CHOWN": 0,
        "CAP_DAC_OVERRIDE": 1,
        "CAP_FOWNER": 3,
        "CAP_FSETID": 4,
        "CAP_KILL": 5,
        "CAP_MKNOD": 27,
        "CAP_NET_BIND_SERVICE": 10,
        "CAP_SETFCAP": 31,
        "CAP_SETGID": 6,
        "CAP_SETPCAP": 8,
        "CAP_SETUID": 7,
        "CAP_SYS_CHROOT": 18,
    }
)
"""Docker's default without CAP_NET_RAW, by number: with raw sockets a container could pass for
another on the bridge. ``ping`` needs none, as all users may send by the containers' settings."""
_MASK = sum(1 << number for number in DEFAULT_CAPABILITIES.values())
_REVISION_MASK = 0xFF000000
_REVISION_2 = 0x02000000
_REVISION_3 = 0x03000000
_EFFECTIVE = 0x1
_SETS = struct.Struct("<IIIII")
_SETS_AND_ROOT = struct.Struct("<IIIIII")


def choose_owner(options: NativeOptions, container_id: str) -> int:
    """Return the host id that owns a container's user namespace.

    By chance two containers may have the same; then both share their limits.
    """
    number = int.from_bytes(hashlib.sha256(container_id.encode()).digest()[:8], "big")
    return options.id_base + options.id_count + number % options.owner_count


@contextmanager
def new_user_namespace(owner: int) -> Iterator["NewUserNamespace"]:
    """Begin to make a user namespace, which ends with the block unless a process is inside.

    Raises:
        Unsupported: a tool of util-linux is missing.
    """
    command = [word.format(owner=owner) for word in _COMMAND]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=tool_environment(),
            cwd="/",
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise Unsupported(f"{command[0]} is not installed: it is part of util-linux") from error
    with process:  # Ends when its standard input does.
        yield NewUserNamespace(process)


def set_limits(owner: int, pid: int, limits: Mapping[int, tuple[int, int]]) -> None:
    """Set limits (``resource.RLIMIT_…`` → soft, hard) of a process in a user namespace of ours.

    The OCI runtime would need a capability (``CAP_SYS_RESOURCE``) that many services run without;
    the owner of the namespace needs none.

    Raises:
        OSError: the process has ended, or a hard limit is above its present one.
    """
    # A thread of its own: it is the owner, and not used for anything else.
    with ThreadPoolExecutor(1, "limits") as thread:
        thread.submit(_set_limits, owner, pid, limits).result()


def _set_limits(owner: int, pid: int, limits: Mapping[int, tuple[int, int]]) -> None:
    become(owner)
    for name, values in limits.items():
        resource.prlimit(pid, name, values)


class NewUserNamespace:
    """A user namespace in the making."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    @property
    def path(self) -> Path:
        """The file of the namespace, valid inside the block."""
        return Path(f"/proc/{self._process.pid}/ns/user")

    def map_ids(self, base: int, count: int) -> None:
        """Wait for the namespace, and map its ids to ``count`` ids from ``base`` on.

        Raises:
            EngineFailure: the namespace could not be made; the message holds the tool's error.
        """
        self._wait_for_namespace()
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{self._process.pid}/{name}").write_text(f"0 {base} {count}\n", "ascii")

    def _wait_for_namespace(self) -> None:
        given = cast("IO[bytes]", self._process.stdin)
        answered = cast("IO[bytes]", self._process.stdout)
        with suppress(BrokenPipeError):  # It has ended; so does its output.
            given.write(b"\n")
            given.flush()
        poller = select.poll()
        poller.register(answered, select.POLLIN)
        # What it is given comes back from the program that was started in the namespace.
        if poller.poll(_PATIENCE_SECONDS * 1000) and os.read(answered.fileno(), 1):
            return
        self._process.kill()
        _, said = self._process.communicate()
        text = said.decode("utf-8", "replace").strip() or "it did not say why"
        raise EngineFailure(f"the user namespace could not be made: {text[-2000:]}")


def shift_file_capability(value: bytes, id_base: int) -> bytes | None:
    """Return the ``security.capability`` attribute of a file for a container.

    A file's capabilities count in a user namespace only with the id of its root
    (``struct vfs_ns_cap_data`` in ``linux/capability.h``). Capabilities beyond a container's are
    removed: the kernel refuses to execute a file that asks for more.

    Returns:
        None if nothing is left or the value is unknown.
    """
    if len(value) not in (_SETS.size, _SETS_AND_ROOT.size):
        return None
    magic, permitted_low, inherited_low, permitted_high, inherited_high = _SETS.unpack_from(value)
    if magic & _REVISION_MASK not in (_REVISION_2, _REVISION_3):
        return None
    permitted = (permitted_low | permitted_high << 32) & _MASK
    inherited = (inherited_low | inherited_high << 32) & _MASK
    if not permitted and not inherited:
        return None
    return _SETS_AND_ROOT.pack(
        _REVISION_3 | (magic & _EFFECTIVE),
        permitted & 0xFFFFFFFF,
        inherited & 0xFFFFFFFF,
        permitted >> 32,
        inherited >> 32,
        id_base,
    )
