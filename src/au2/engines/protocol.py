"""The engine protocol: one container of an image, on any host.

The docstrings are the contract; ``tests/ports`` holds the suite for all engines. An engine may be
remote. The user's code causes no exception, only an :class:`Observation`. Platform faults raise
:class:`~au2.domain.errors.EngineFailure`.

Life of a container: ``prepare`` (the image is made local) → ``create`` (all is set up, nothing of
the image has run) → ``start`` → ``observe`` until the end → ``remove``. Every step may be
repeated after the caller was killed.
"""

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from au2.domain.jobs.job import Resources

SPARE_BYTES = 256 << 20
"""Left free for records and logs when an image is unpacked."""
_SPARE_SHARE = 20
RUNNABLE_LAYERS = 130
"""Images of so many different layers run on every engine: 127, which is Docker's own bound, and
three of ours on top."""


def spare_bytes(total_bytes: int) -> int:
    """Return the bytes to leave free on a file system: on a small one a twentieth."""
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
    """Parts of the protocol with need of a kernel; optional for an engine in memory."""

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

    @property
    def has_ended(self) -> bool:
        """Whether the state is final: EXITED or LOST."""
        return self in (ContainerState.EXITED, ContainerState.LOST)


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
        """Parts of the protocol in this engine; constant."""

    def check(self) -> Sequence[Check]:
        """Say whether this machine can run containers, one finding per need. Never raises."""

    def open(self) -> None:
        """Set up the folders and network of all containers. Idempotent; once per process.

        Raises:
            Unsupported: this machine can't run containers; the message names the missing part.
        """

    def close(self) -> None:
        """Let go of this process's own resources. Running containers go on."""

    def uninstall(self) -> None:
        """Remove all containers and the set-up of :meth:`open`, all unused. Images stay."""

    def prepare(self, image_digest: str, check: Callable[[], None] = lambda: None) -> None:
        """Make the image local (unpack its layers). Idempotent, safe from several threads.

        Args:
            image_digest: of its manifest.
            check: called now and then; its exceptions end the work and are passed on.

        Raises:
            BlobMissing: a blob of the image is missing or damaged.
            InvalidImage: a layer is not valid or unsafe.
            StorageFull: the disk is full; some space is left for the platform's own records.
        """

    def create(self, spec: ContainerSpec) -> None:
        """Set the container up for a quick :meth:`start`. Leaves nothing after an error.

        Raises:
            Conflict: a container of this id exists.
            InvalidImage: the image's command, user or working folder is not valid.
            ArgumentListTooLong: command and environment are longer than the system's limit.
            EngineFailure: any other failure; the message holds the OCI runtime's own.
        """

    def start(self, container_id: str) -> None:
        """Start a created container. Raises NotFound, EngineFailure. Starting twice is harmless."""

    def observe(
        self, container_id: str, *, seen_log_bytes: int = 0, timeout_seconds: float = 0.0
    ) -> Observation:
        """Return a container's state after a change, or at the timeout.

        A change: the state is EXITED or LOST, the raw log is longer than ``seen_log_bytes``, or a
        job file changed. Never raises for an unknown id, whose state is LOST.
        """

    def read_log(self, container_id: str, *, offset: int, limit_bytes: int) -> bytes:
        r"""Return raw log bytes from ``offset``: records of the CRI log format.

        ``<RFC 3339 time with nanoseconds> <stdout|stderr> <P|F> <bytes>\n``; P is a partial line,
        to be joined with the next record of its stream; F ended with a newline. (Kubernetes
        container runtime interface, "log format".) The last record of a running container may be
        incomplete.
        """

    def read_file(self, container_id: str, name: str, *, limit_bytes: int) -> bytes | None:
        """Return a job file's content, or None for a missing file.

        The container's user owns the folder, so links are not followed and only regular files are
        read. Raises TooLarge (over the limit), InvalidRequest (not a regular file).
        """

    def listen(self, container_id: str, port: int) -> socket.socket:
        """Return a listening TCP socket on the container's own 127.0.0.1:``port``.

        Works with every network setting, and is reachable by the container only. Between ``create``
        and ``start``, the port is certainly free. The caller closes the socket.

        Raises:
            NotFound: there is no such container.
            Conflict: the port is taken.
            Unsupported: this engine has no network.
        """

    def signal(self, container_id: str, name: str) -> None:
        """Send a signal (``SIGTERM``, …) to the first process; ``SIGKILL``: to all of them.

        Harmless after the end. Raises NotFound.
        """

    def stop_signal(self, image_digest: str) -> str:
        """Return the image's ``StopSignal``; ``SIGTERM`` for none, or an unknown one."""

    def restrict_log(self, container_id: str) -> None:
        """Let the raw log grow within its preallocated space only: the disk is nearly full.

        Later output is read and dropped, as beyond ``log_limit_bytes``. Holds until
        :meth:`allow_log`, over restarts. Idempotent. Raises NotFound.
        """

    def allow_log(self, container_id: str, remark: str) -> None:
        """Lift the restriction of the raw log, and mark the gap if output was dropped.

        The mark is a record of the platform with ``remark``. Idempotent.

        Raises:
            NotFound: there is no such container.
            StorageFull: no space for the remark.
        """

    def drop_log(self, container_id: str, size_bytes: int) -> bool:
        """Free the disk of the raw log's first bytes, which become unreadable.

        Sizes and offsets stay. False on a file system without this function.
        """

    def disk_bytes(self, container_id: str) -> int:
        """Return the container's bytes on disk: writable layer, job files, raw log.

        A file counts 4 KiB at least.

        Raises:
            EngineFailure: counting takes too long.
        """

    def release(self, container_id: str, *, file_limit_bytes: int) -> None:
        """Free the disk of an ended container, as far as only its code needed the content.

        Mounts, writable layer, scratch and job files go. The raw log stays, and so do the job files
        with results, cut to one byte more than ``file_limit_bytes``. Needs no space on a disk.
        Idempotent. Raises NotFound for an invalid container id.
        """

    def reclaim(self, *, file_limit_bytes: int) -> None:
        """Release all ended containers, and remove the remains of killed processes.

        Called at a start, before any need of disk space.
        """

    def remove(self, container_id: str) -> None:
        """Kill the container if still running, and remove every trace. Idempotent.

        Traces: files, raw log, mounts, control group, network.
        """

    def list_containers(self) -> Iterator[str]:
        """Yield the ids of all containers on this engine, of any creator."""


class UnpackedLayers(Protocol):
    """Unpacked layers kept on this host, for quick creation of containers.

    A layer's name is the digits of its diff_id; other names are the remains of an interrupted
    unpacking or removal.
    """

    def list_layers(self) -> Iterator[str]:
        """Names of all layers and remains."""

    def layer_bytes(self, name: str) -> int | None:
        """Return the bytes that a layer takes on the disk; None: missing."""

    def unused_layer_bytes(self, name: str, *, older_than_seconds: float) -> int | None:
        """Return the bytes freed by the removal of a layer; None: used or missing.

        A layer is used while young, or noted by a container.
        """

    def remove_unused_layer(self, name: str, *, older_than_seconds: float) -> int | None:
        """Remove an unused layer; return the bytes freed, else None.

        Safe beside the creation of containers by any process: a new container keeps the layer, or
        finds none and unpacks the layer again.
        """
