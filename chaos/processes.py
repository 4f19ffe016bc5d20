"""The processes of one server, found by what they are and whom they belong to."""

import os
import signal
from contextlib import suppress
from pathlib import Path

_MODULES = {
    "api": b"au2.server.supervision.api_process",
    "dispatcher": b"au2.server.supervision.dispatcher_process",
}


def find_supervisor(group: int) -> list[int]:
    """Return the server's main process."""
    # A zombie, which nobody has waited for yet, has no command line.
    return [group] if (group, b"") not in _commands() and _group_of(group) is not None else []


def find_child(group: int, name: str) -> list[int]:
    """Return the server's process of that name (``api`` or ``dispatcher``)."""
    return [
        pid for pid, command in _commands() if _MODULES[name] in command and _group_of(pid) == group
    ]


def find_monitors(instance: str) -> dict[str, int]:
    """Return the container monitors of an installation: container id → process id."""
    found: dict[str, int] = {}
    for pid, command in _commands():
        words = command.split(b"\0")
        if words[0].endswith(b"conmon") and f"/run/au2/{instance}/".encode() in command:
            found[words[words.index(b"--cid") + 1].decode()] = pid
    return found


def find_first_process(instance: str, container_id: str) -> int | None:
    """Return the host's process id of a container's first process."""
    path = Path(f"/run/au2/{instance}/containers/{container_id}/init.pid")
    with suppress(OSError, ValueError):
        return int(path.read_text())
    return None


def send(pid: int, number: signal.Signals) -> bool:
    """Send a signal; whether the process was there."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False


def _commands() -> list[tuple[int, bytes]]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                found.append((int(folder.name), (folder / "cmdline").read_bytes()))
    return found


def _group_of(pid: int) -> int | None:
    with suppress(OSError):
        return os.getpgid(pid)
    return None
