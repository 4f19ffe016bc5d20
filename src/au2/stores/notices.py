"""Notices: hints of changes between the processes of one installation.

A notice may be lost, doubled or late, so a receiver also polls from time to time. One suite in
``tests/ports`` runs on every implementation of :class:`Notices`.
"""

import os
import secrets
import select
import socket
from pathlib import Path
from typing import Protocol

JOBS = "jobs"
"""Topic of new jobs."""
DISPATCHER = "dispatcher"
"""Name under which the dispatcher listens."""
EVERYTHING = "*"
"""Topic of lost notices: the receiver checks everything that it waits for."""


def job_topic(job_id: int) -> str:
    """Return the topic of changes of a job's record."""
    return f"job:{job_id}"


def log_topic(job_id: int) -> str:
    """Return the topic of growth of a job's log."""
    return f"log:{job_id}"


def stop_topic(job_id: int) -> str:
    """Return the topic of requests to stop a job."""
    return f"stop:{job_id}"


class Notices(Protocol):
    """Sender and receiver of notices. Any thread may send; one thread receives."""

    def send(self, topic: str) -> None:
        """Send a notice to all listeners, this one included. Never blocks, never raises."""
        ...

    def wait(self, timeout_seconds: float) -> set[str]:
        """Wait for notices and return their topics; an empty set after the timeout.

        A timeout of 0 does not wait. The set may contain :data:`EVERYTHING`.
        """
        ...

    def fileno(self) -> int:
        """Descriptor for event loops, readable when ``wait(0)`` would return topics."""
        ...

    def is_listening(self, name: str) -> bool:
        """Whether a listener of the name exists at the moment."""
        ...

    def close(self) -> None:
        """Stop listening. Sending stays harmless."""
        ...


_SUFFIX = ".sock"
_MAX_TOPIC_BYTES = 256
_MAX_DRAIN = 10_000
"""Most notices per call, so that a flood can't hold the receiver."""
_QUEUE_LENGTH = Path("/proc/sys/net/unix/max_dgram_qlen")


class FolderNotices:
    """Notices over sockets: each listener owns ``<folder>/<name>-<pid>-….sock``.

    ``send`` goes to every socket in the folder and removes those of dead owners.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        # A socket address holds 108 bytes at most; through a descriptor any folder is short enough.
        self._folder_descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._file_name = f"{name}-{os.getpid()}-{secrets.token_hex(4)}{_SUFFIX}"
        self._queue_length = _read_queue_length()
        self._receiver = _make_socket()
        self._sender = _make_socket()
        self._receiver.bind(self._address(self._file_name))

    def send(self, topic: str) -> None:
        """Send to every socket in the folder; see the protocol."""
        message = topic.encode(errors="replace")[:_MAX_TOPIC_BYTES]
        try:
            names = os.listdir(self._folder_descriptor)  # noqa: PTH208 - a path would be slower
        except OSError:
            return
        for name in names:
            if name.endswith(_SUFFIX):
                self._send_to(name, message)

    def wait(self, timeout_seconds: float) -> set[str]:
        """Wait for notices; see the protocol."""
        poll = select.poll()
        poll.register(self._receiver, select.POLLIN)
        if not poll.poll(max(0.0, timeout_seconds) * 1000):
            return set()
        return self._drain()

    def fileno(self) -> int:
        """Descriptor of the receiving socket."""
        return self._receiver.fileno()

    def is_listening(self, name: str) -> bool:
        """Whether a listener of the name exists; see the protocol."""
        try:
            names = os.listdir(self._folder_descriptor)  # noqa: PTH208 - a path would be slower
        except OSError:
            return False
        found = [there for there in names if there.rsplit("-", 2)[0] == name]
        with _make_socket() as probe:
            return any(_is_owned(probe, self._address(there)) for there in found)

    def close(self) -> None:
        """Stop listening and remove the socket."""
        if self._receiver.fileno() == -1:
            return
        (self._folder / self._file_name).unlink(missing_ok=True)
        self._receiver.close()
        self._sender.close()
        os.close(self._folder_descriptor)

    def _drain(self) -> set[str]:
        topics: set[str] = set()
        for count in range(_MAX_DRAIN):
            try:
                topics.add(self._receiver.recv(_MAX_TOPIC_BYTES).decode(errors="replace"))
            except BlockingIOError:
                # The kernel's queue drops notices above its length, so some may be missing.
                lossless = count <= self._queue_length
                return topics if lossless else topics | {EVERYTHING}
        return topics | {EVERYTHING}

    def _send_to(self, name: str, message: bytes) -> None:
        try:
            self._sender.sendto(message, self._address(name))
        except ConnectionRefusedError:
            # The listening process was killed.
            (self._folder / name).unlink(missing_ok=True)
        except OSError:
            # A full queue, a socket removed meanwhile, or a closed sender: notices may be lost.
            return

    def _address(self, name: str) -> str:
        return f"/proc/self/fd/{self._folder_descriptor}/{name}"


def _make_socket() -> socket.socket:
    return socket.socket(
        socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    )


def _is_owned(probe: socket.socket, address: str) -> bool:
    """Whether the socket's owner lives; the file outlives a killed process."""
    try:
        probe.connect(address)
    except OSError:
        return False
    return True


def _read_queue_length() -> int:
    try:
        return int(_QUEUE_LENGTH.read_text())
    except (OSError, ValueError):
        return 10  # the kernel's default
