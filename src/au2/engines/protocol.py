"""The engine protocol: run one container of an image, somewhere.

The docstrings are the contract; ``tests/ports`` holds the suite that every engine passes. An engine
need not be on this host. Nothing here raises for what the user's code does: that comes back as an
:class:`Observation`. Platform faults raise :class:`~au2.domain.errors.EngineFailure`.

Life of a container: ``prepare`` (the image is made local) → ``create`` (all is set up, nothing of
the image has run) → ``start`` → ``observe`` until it has exited → ``remove``. Every step may be
repeated after the caller was killed.
"""

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from au2.domain.job import Resources

SPARE_BYTES = 256 << 20
"""Left free for records and logs when an image is unpacked."""
_SPARE_SHARE = 20
RUNNABLE_LAYERS = 130
"""Images of so many different layers run on every engine: 127, which is Docker's own bound, and
three of ours on top."""


def spare_bytes(total_bytes: int) -> int:
    """Return what is left free of a file system of that size: of a small one a twentieth."""
    return min(SPARE_BYTES, total_bytes // _SPARE_SHARE)


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """Arguments, environment, files and limits of one container. Plain data."""

    container_id: str
    """Letters, digits and hyphens, at most 64; unique on the installation, chosen by the caller."""
    image_digest: str
    """Digest of the OCI manifest. Exactly this image runs."""
    environment: Mapping[str, str] = field(repr=False)
    """Added over the image's own ``Env``. It may hold secrets: an engine never lets it come to a
    disk, into a command line, or into a message."""
    files: Mapping[str, bytes]
    """Job files by name, put into ``JOB_DIRECTORY`` before the start, readable by any user.
    The engine also makes ``scratch/`` there, writable by any user, and the folder itself is."""
    resources: Resources
    hostname: str = "au2"
    command: Sequence[str] | None = None
    """Replaces the image's ``Cmd`` (not its ``Entrypoint``) when given, as ``docker run`` does."""
    labels: Mapping[str, str] = field(default_factory=dict)
    no_new_privileges: bool = True
    log_limit_bytes: int = 1 << 30
    """Raw log bytes after which output is read and thrown away: a job can't fill the disk."""


class Capability(StrEnum):
    """Parts of the protocol that need a kernel; an engine in memory may go without them."""

    ROOT_FILE_SYSTEM = "root-file-system"
    """The image's files are there: its users, working folder, and links among job files."""
    NETWORK = "network"
    """Containers have a network; without it :meth:`Engine.listen` raises Unsupported."""
    ACCOUNTING = "accounting"
    """CPU time and memory are measured."""


class ContainerState(StrEnum):
    """State of a container."""

    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"
    LOST = "lost"
    """The container or its monitor is gone: the exit code is unknown."""


@dataclass(frozen=True, slots=True)
class Observation:
    """State and counters of a container at one moment."""

    state: ContainerState
    exit_code: int | None = None
    """When EXITED: 0 to 255; 128 + n after signal n."""
    out_of_memory_kills: int = 0
    """Number of processes that the kernel killed for memory."""
    reached_memory_limit: bool = False
    """Whether memory was refused at the container's own limit. Kills without that: the machine as
    a whole had no memory left."""
    log_bytes: int = 0
    """Raw log bytes readable now. When EXITED, the log is whole."""
    log_truncated: bool = False
    """Whether ``log_limit_bytes`` was reached."""
    log_restricted: bool = False
    """Whether :meth:`Engine.restrict_log` is in force."""
    cpu_seconds: float | None = None
    memory_peak_bytes: int | None = None
    message: str | None = None
    """Cause when LOST, as far as known."""


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of :meth:`Engine.check`."""

    name: str
    ok: bool
    message: str
    """Finding, and advice when not ok."""


class Engine(Protocol):
    """Run containers. All methods may be called from any thread."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Parts of the protocol that this engine has; constant."""
        ...

    def check(self) -> Sequence[Check]:
        """Say whether this machine can run containers, one finding per need. Never raises."""
        ...

    def open(self) -> None:
        """Set up what all containers share (folders, network). Idempotent; called once per process.

        Raises:
            Unsupported: this machine can't run containers; the message says what is missing.
        """
        ...

    def close(self) -> None:
        """Let go of this process's own resources. Running containers go on."""
        ...

    def uninstall(self) -> None:
        """Remove all containers and what :meth:`open` set up. Images stay; nobody may use it."""
        ...

    def prepare(self, image_digest: str, check: Callable[[], None] = lambda: None) -> None:
        """Make the image local (unpack its layers). Idempotent, safe from several threads.

        Args:
            image_digest: of its manifest.
            check: called now and then; what it raises ends the work and comes out here.

        Raises:
            BlobMissing: a blob of the image is missing or damaged.
            InvalidImage: a layer is not valid or unsafe.
            StorageFull: the disk is full; some space is left for the platform's own records.
        """
        ...

    def create(self, spec: ContainerSpec) -> None:
        """Set the container up so that :meth:`start` is quick. Leaves nothing when it raises.

        Raises:
            Conflict: a container of that id exists.
            InvalidImage: what the image says of its command, user or working folder can't be.
            ArgumentListTooLong: command and environment are longer than the system gives on.
            EngineFailure: it could not be created (the message holds the OCI runtime's own).
        """
        ...

    def start(self, container_id: str) -> None:
        """Start a created container. Raises NotFound, EngineFailure. Starting twice is harmless."""
        ...

    def observe(
        self, container_id: str, *, seen_log_bytes: int = 0, timeout_seconds: float = 0.0
    ) -> Observation:
        """Look at a container, waiting until there is news or the timeout ends.

        News: the state is EXITED or LOST, the raw log is longer than ``seen_log_bytes``, or a job
        file changed. Never raises for an unknown id: that is LOST.
        """
        ...

    def read_log(self, container_id: str, *, offset: int, limit_bytes: int) -> bytes:
        r"""Raw log bytes from ``offset``: records of the CRI log format.

        ``<RFC 3339 time with nanoseconds> <stdout|stderr> <P|F> <bytes>\n``; P is a partial line,
        to be joined with the next record of its stream; F ended with a newline. (Kubernetes
        container runtime interface, "log format".) May end inside a record while it runs.
        """
        ...

    def read_file(self, container_id: str, name: str, *, limit_bytes: int) -> bytes | None:
        """A job file's content, or None if it is not there.

        The container's user owns that folder, so links are not followed and only regular files are
        read. Raises TooLarge (over the limit), InvalidRequest (not a regular file).
        """
        ...

    def listen(self, container_id: str, port: int) -> socket.socket:
        """Return a listening TCP socket for what the container sends to its 127.0.0.1:``port``.

        Works with every network setting, and reaches nobody else. Called between ``create`` and
        ``start``, nothing of the image can have the port before. The caller closes it.

        Raises:
            NotFound: there is no such container.
            Conflict: the port is taken.
            Unsupported: this engine has no network.
        """
        ...

    def signal(self, container_id: str, name: str) -> None:
        """Send a signal (``SIGTERM``, …) to the first process; ``SIGKILL``: to all of them.

        Harmless when it has exited. Raises NotFound.
        """
        ...

    def stop_signal(self, image_digest: str) -> str:
        """The image's ``StopSignal``; ``SIGTERM`` where it has none, or none that there is."""
        ...

    def restrict_log(self, container_id: str) -> None:
        """Let the raw log grow within its preallocated space only: the disk is nearly full.

        What comes after that is read and dropped, as behind ``log_limit_bytes``. Holds until
        :meth:`allow_log`, over restarts. Idempotent. Raises NotFound.
        """
        ...

    def allow_log(self, container_id: str, remark: str) -> None:
        """Lift the restriction of the raw log, and mark the gap if output was dropped.

        The mark is a record of the platform with ``remark``. Idempotent.

        Raises:
            NotFound: there is no such container.
            StorageFull: no space for the remark.
        """
        ...

    def drop_log(self, container_id: str, size_bytes: int) -> bool:
        """Free the disk of the raw log's first bytes, which can't be read any more.

        Sizes and offsets stay. False where that can't be done.
        """
        ...

    def disk_bytes(self, container_id: str) -> int:
        """Bytes of disk of the container: writable layer, job files, raw log.

        A file counts 4 KiB at least.

        Raises:
            EngineFailure: it can't be counted in good time.
        """
        ...

    def release(self, container_id: str, *, file_limit_bytes: int) -> None:
        """Free the disk of an ended container that only its code needed.

        Mounts, writable layer, scratch and job files go. The raw log stays, and of the job files
        those that say how it ended, cut to one byte more than ``file_limit_bytes``. Needs no space
        on a disk. Idempotent. Raises NotFound for what can't be a container's id.
        """
        ...

    def reclaim(self, *, file_limit_bytes: int) -> None:
        """Release all containers that have ended, and remove what killed processes left.

        To be called at a start, before anything that needs space on the disk.
        """
        ...

    def remove(self, container_id: str) -> None:
        """Kill it if it runs and remove every trace of it. Idempotent.

        Traces: files, raw log, mounts, control group, network.
        """
        ...

    def list_containers(self) -> Iterator[str]:
        """Ids of all containers that exist on this engine, whoever created them."""
        ...


class UnpackedLayers(Protocol):
    """Unpacked layers kept on this host, so that containers are created quickly.

    A layer's name is the digits of its diff_id; other names are what was left of an unpacking or
    removal that was interrupted.
    """

    def list_layers(self) -> Iterator[str]:
        """Names of all layers and remains."""
        ...

    def unused_layer_bytes(self, name: str, *, older_than_seconds: float) -> int | None:
        """Bytes that the removal of a layer would free; None: the layer stays, or is not there.

        A layer stays when it is younger, or a container is made of it.
        """
        ...

    def remove_unused_layer(self, name: str, *, older_than_seconds: float) -> int | None:
        """Remove a layer unless it stays; return the bytes freed, else None.

        Safe while containers are created and run, by any process: one that is created meanwhile
        keeps the layer, or finds it gone and unpacks it again.
        """
        ...
