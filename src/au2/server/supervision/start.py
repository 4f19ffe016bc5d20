"""Start of a server: lock, listen, prepare, supervise."""

import json
import logging
import math
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from au2.domain.clock import format_time, now
from au2.domain.errors import Au2Error, ServerNotStarted
from au2.files.output import PRIVATE, write_output
from au2.local.running_server import link_data_directory
from au2.server.data_directory import DataDirectory, lock_data_directory
from au2.server.disk_reserve import create_disk_reserve, release_disk_reserve
from au2.server.settings.endpoint import ListenAddress
from au2.server.settings.sections import Settings
from au2.server.supervision.log_format import configure_logging
from au2.server.supervision.service_manager import take_service_manager
from au2.server.supervision.supervisor import (
    RestartDelays,
    Supervisor,
    WorkerCommand,
    module_command,
    spawn,
)
from au2.server.supervision.worker import WorkerConfig

logger = logging.getLogger(__name__)

_MOST_IDLE_SECONDS = 300
"""Longer than clients wait for anything; ``au2 job logs --follow`` in a pager, which may stand
longer, goes on where it was."""


@dataclass(frozen=True, slots=True)
class ServerProcesses:
    """Commands of the server's processes, and time limits for them."""

    prepare: Sequence[str] = module_command("au2.server.supervision.prepare_process")
    """Runs to its end before the others start: checks the machine, migrates the database."""
    api: Sequence[str] = module_command("au2.server.supervision.api_process")
    dispatcher: Sequence[str] = module_command("au2.server.supervision.dispatcher_process")
    delays: RestartDelays = field(default_factory=RestartDelays)
    stop_seconds: float = 10.0
    silent_seconds: float = 60.0
    """Longer than a process waits for a locked database."""
    lock_patience_seconds: float = 10.0
    """A little more than the processes of a killed server take to end."""


def start_server(
    data: DataDirectory,
    settings: Settings,
    *,
    announce: Callable[[str], None],
    processes: ServerProcesses,
) -> int:
    """Run the server until a signal ends it; return the exit code.

    Raises:
        Conflict: another server runs on this data directory.
        ServerNotStarted: the port is taken, the certificate unusable, or the machine unfit.
    """
    configure_logging("supervisor", settings.server.log_level)
    manager = take_service_manager()
    tls = settings.server.tls
    if tls is not None:
        tls.make_context()
    with (
        lock_data_directory(data.root, patience_seconds=processes.lock_patience_seconds) as lock,
        open_listener(settings.server.listen) as listener,
    ):
        host, port = listener.getsockname()[:2]
        url = f"{'http' if tls is None else 'https'}://{ListenAddress(host, port)}"

        def worker(
            name: str, command: Sequence[str], silent_seconds: float = math.inf, **files: int
        ) -> WorkerCommand:
            line = WorkerConfig(data, settings, files).to_line()
            return WorkerCommand(name, command, line, tuple(files.values()), silent_seconds)

        def note_ready() -> None:
            _note_server(data, url)
            link_data_directory(data.run_directory(settings.server.run_dir), data.root)
            with suppress(OSError):  # Where that goes to may be full as well.
                announce(f"au2 server ready on {url}")
            manager.tell("READY=1")

        def retreat() -> None:
            manager.tell("STOPPING=1")
            # Ours, so that nobody is left waiting in the queue of a server that has stopped.
            listener.close()
            data.server_file.unlink(missing_ok=True)

        _prepare(worker("prepare", processes.prepare, lock=lock))
        silent = processes.silent_seconds
        supervisor = Supervisor(
            [
                worker("dispatcher", processes.dispatcher, silent, lock=lock),
                worker("api", processes.api, silent, lock=lock, listen=listener.fileno()),
            ],
            on_ready=note_ready,
            on_stopping=retreat,
            delays=processes.delays,
            stop_seconds=processes.stop_seconds,
        )
        code = supervisor.run()
        # Of what its processes have given back, for the next start may find the disk full.
        create_disk_reserve(data)
        return code


def open_listener(
    address: ListenAddress, idle_seconds: float = _MOST_IDLE_SECONDS
) -> socket.socket:
    """Return a listening socket.

    Args:
        address: address to listen on.
        idle_seconds: time after which the kernel ends a connection whose peer reads nothing
            (``TCP_USER_TIMEOUT``, RFC 5482, also for a window of zero). Nothing else would: an
            unread response would keep its file and its connection, and a stopping server would wait
            for it.

    Raises:
        ServerNotStarted: the port is taken or not permitted.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        listener = socket.create_server((address.host, address.port), family=family, backlog=1024)
    except OSError as error:
        raise ServerNotStarted(
            f"The server can't listen on {address}: {os.strerror(error.errno or 0)}.",
            hint="Choose another address or port with --listen HOST:PORT (port 0: a free one).",
        ) from error
    # Connections have it of the socket that takes them.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(idle_seconds * 1000))
    return listener


def _note_server(data: DataDirectory, url: str) -> None:
    """Write the server file, for scripts that start the server with port 0.

    On a full disk the server runs without the file.
    """
    document = {"url": url, "pid": os.getpid(), "started_at": format_time(now())}
    try:
        write_output(data.server_file, f"{json.dumps(document)}\n".encode(), permissions=PRIVATE)
    except Au2Error as error:
        if release_disk_reserve(data):
            _note_server(data, url)
        else:
            logger.warning("%s", error.message)


def _prepare(command: WorkerCommand) -> None:
    process = spawn(command)
    try:
        code = process.wait()
    finally:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
    if code:
        raise ServerNotStarted("The server was not started: see above.")
