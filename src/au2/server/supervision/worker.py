"""Worker: the inside of a process that the supervisor started.

Standard input is a pipe from the supervisor: one line of JSON with the configuration, then nothing
until the supervisor is gone, however it ended; then this process ends too. Standard output is a
pipe to the supervisor for :data:`READY` and then, as long as the process does its work, a byte now
and then. Inherited descriptors (the listening socket, the lock of the data directory) are named in
the configuration.
"""

import gc
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from au2.server.data_directory import DataDirectory
from au2.server.settings.sections import Settings
from au2.server.settings.source import settings_from_document, settings_to_document
from au2.server.supervision.log_format import configure_logging

READY = b"ready\n"
_BEAT = b"."
_BEAT_SECONDS = 1.0
_LAST_WORDS_SECONDS = 8.0
"""How long an orderly end may take once the supervisor is gone."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """Configuration of a worker process."""

    data: DataDirectory
    settings: Settings
    descriptors: Mapping[str, int]
    """Inherited ones by name."""

    def to_line(self) -> bytes:
        """Return the configuration as one line; inverse of :func:`parse_worker_config`."""
        document = {
            "data": str(self.data.root),
            "settings": settings_to_document(self.settings),
            "descriptors": dict(self.descriptors),
        }
        return json.dumps(document).encode() + b"\n"


def parse_worker_config(line: bytes) -> WorkerConfig:
    """Return the configuration that the supervisor formatted."""
    document: dict[str, Any] = json.loads(line)
    return WorkerConfig(
        DataDirectory(Path(document["data"])),
        settings_from_document(document["settings"]),
        document["descriptors"],
    )


def stop_event() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set from now on."""
    event = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: event.set())
    return event


class Worker:
    """This process as the supervisor's child."""

    def __init__(self, name: str) -> None:
        self._life = _take(0, os.O_RDONLY, os.devnull)
        self._status = _take(1, os.O_WRONLY, None)
        os.set_blocking(self._status, False)
        self._next_beat = 0.0
        self.config = parse_worker_config(_read_line(self._life))
        for descriptor in self.config.descriptors.values():
            # Not for those that we start: they outlive us, and would hold the lock.
            os.set_inheritable(descriptor, False)
        # A terminal that closes is the supervisor's business. Not SIG_IGN, which all programs that
        # we start would inherit.
        signal.signal(signal.SIGHUP, lambda *_: None)
        configure_logging(name, self.config.settings.server.log_level)

    def ready(self) -> None:
        """Tell the supervisor about readiness."""
        # What is here now stays as long as the process: no garbage collection need look at it,
        # which would stop everything for longer than a request takes.
        gc.collect()
        gc.freeze()
        try:
            os.write(self._status, READY)
        except BrokenPipeError:
            return  # it is gone, which the other pipe tells as well

    def beat(self) -> None:
        """Tell the supervisor about progress of the main thread; may be called often."""
        now = time.monotonic()
        if now >= self._next_beat:
            self._next_beat = now + _BEAT_SECONDS
            # A supervisor that is stopped reads nothing, and a pipe holds only so much.
            with suppress(BrokenPipeError, BlockingIOError):
                os.write(self._status, _BEAT)

    def when_orphaned(self, end: Callable[[], None]) -> None:
        """Call ``end``, from another thread, when the supervisor is gone; then exit by force."""
        threading.Thread(target=self._watch, args=(end,), name="life", daemon=True).start()

    def _watch(self, end: Callable[[], None]) -> None:
        while os.read(self._life, 4096):
            pass
        logger.warning("the supervisor is gone, so this process ends too")
        insist = threading.Timer(_LAST_WORDS_SECONDS, os._exit, (1,))
        insist.daemon = True
        insist.start()
        end()


def _take(descriptor: int, flags: int, replacement: str | None) -> int:
    """Move a standard descriptor out of the way of child processes; return its new number."""
    taken = os.dup(descriptor)
    if replacement is None:
        os.dup2(2, descriptor)
    else:
        opened = os.open(replacement, flags)
        os.dup2(opened, descriptor)
        os.close(opened)
    return taken


def _read_line(descriptor: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(descriptor, 65536)
        if not part:
            sys.exit(1)  # the supervisor died right after starting us
        line += part
    return line
