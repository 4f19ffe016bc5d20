"""The faults: each is brought about, lasts a while, and is taken back."""

import random
import resource
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from chaos.processes import find_child, find_first_process, find_monitors, find_supervisor, send
from tests.support.machine.small_disk import fill_disk
from tests.support.servers.server_process import ServerProcess

_IMPATIENT = 0.2
_READY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Happened:
    """A fault that was brought about."""

    name: str
    begun_at: float
    """Seconds since the epoch."""
    ended_at: float
    target: str = ""
    """The container, where it was one."""

    def __str__(self) -> str:
        """Name, target, and how long."""
        target = f" {self.target}" if self.target else ""
        return f"{self.name}{target} ({self.ended_at - self.begun_at:.0f} s)"


@dataclass(slots=True)
class Chaos:
    """Brings faults about, one after another, and remembers them."""

    server: ServerProcess
    disk: Path
    instance: str
    rng: random.Random
    happened: list[Happened] = field(default_factory=list)

    def act(self, name: str) -> None:
        """Bring about one fault by its name, and take it back.

        As a rule the server is up before; one fault in five may meet one that is just starting.
        """
        if self.rng.random() > _IMPATIENT:
            self._wait_until_ready()
        begun_at = time.time()
        target = FAULTS[name](self)
        if target is not None:
            self.happened.append(Happened(name, begun_at, time.time(), target))

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            with suppress(httpx.HTTPError, AssertionError):
                address = f"{self.server.url}/api/v1/health"
                if httpx.get(address, timeout=2, trust_env=False).is_success:
                    return
            time.sleep(0.2)

    def seconds(self, *choices: float) -> float:
        """Choose how long a fault lasts."""
        return self.rng.choice(choices)


Fault = Callable[[Chaos], str | None]
"""Returns the name of the container that was hit, ``""`` for none, None if nothing was there."""


def _kill(find: Callable[[Chaos], list[int]]) -> Fault:
    def act(chaos: Chaos) -> str | None:
        hit = [send(pid, signal.SIGKILL) for pid in find(chaos)]
        return "" if any(hit) else None

    return act


def _pause(find: Callable[[Chaos], list[int]], *choices: float) -> Fault:
    def act(chaos: Chaos) -> str | None:
        seconds = chaos.seconds(*choices)
        found = [pid for pid in find(chaos) if send(pid, signal.SIGSTOP)]
        time.sleep(seconds)
        for pid in found:
            send(pid, signal.SIGCONT)
        return "" if found else None

    return act


def _supervisor(chaos: Chaos) -> list[int]:
    return find_supervisor(chaos.server.process_group)


def _child(name: str) -> Callable[[Chaos], list[int]]:
    return lambda chaos: find_child(chaos.server.process_group, name)


def _kill_monitor(chaos: Chaos) -> str | None:
    monitors = find_monitors(chaos.instance)
    if not monitors:
        return None
    container_id = chaos.rng.choice(sorted(monitors))
    return container_id if send(monitors[container_id], signal.SIGKILL) else None


def _pause_monitor(chaos: Chaos) -> str | None:
    monitors = find_monitors(chaos.instance)
    if not monitors:
        return None
    container_id = chaos.rng.choice(sorted(monitors))
    send(monitors[container_id], signal.SIGSTOP)
    time.sleep(chaos.seconds(1, 4))
    send(monitors[container_id], signal.SIGCONT)
    return container_id


def _kill_container(chaos: Chaos) -> str | None:
    for container_id in chaos.rng.sample(*_sample(find_monitors(chaos.instance))):
        pid = find_first_process(chaos.instance, container_id)
        if pid is not None and send(pid, signal.SIGKILL):
            return container_id
    return None


def _sample(monitors: dict[str, int]) -> tuple[list[str], int]:
    return sorted(monitors), len(monitors)


def _fill_disk(chaos: Chaos) -> str | None:
    filling = fill_disk(chaos.disk)
    time.sleep(chaos.seconds(3, 8, 15))
    filling.unlink()
    return ""


def _lock_database(chaos: Chaos) -> str | None:
    file = chaos.server.data_dir / "database" / "au2.sqlite3"
    with closing(sqlite3.connect(file, timeout=20, isolation_level=None)) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return None  # The disk is full, say.
        time.sleep(chaos.seconds(2, 8, 36))
        database.execute("ROLLBACK")
    return ""


def _use_up_descriptors(name: str) -> Fault:
    """Let a process open no further file for a while."""

    def act(chaos: Chaos) -> str | None:
        for pid in find_child(chaos.server.process_group, name):
            try:
                before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
                used = len(list(Path(f"/proc/{pid}/fd").iterdir()))
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, before[1]))
                time.sleep(chaos.seconds(2, 6))
                resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
            except (OSError, ProcessLookupError):
                continue
            return ""
        return None

    return act


FAULTS: dict[str, Fault] = {
    "kill supervisor": _kill(_supervisor),
    "kill API": _kill(_child("api")),
    "kill dispatcher": _kill(_child("dispatcher")),
    "kill monitor": _kill_monitor,
    "kill container": _kill_container,
    "pause supervisor": _pause(_supervisor, 2, 6),
    "pause API": _pause(_child("api"), 2, 6),
    "pause dispatcher": _pause(_child("dispatcher"), 2, 6, 38),
    "pause monitor": _pause_monitor,
    "full disk": _fill_disk,
    "locked database": _lock_database,
    "no descriptors for API": _use_up_descriptors("api"),
    "no descriptors for dispatcher": _use_up_descriptors("dispatcher"),
}
SCARCE = frozenset({"full disk", "no descriptors for dispatcher", "locked database"})
"""Faults in which the platform may fail to start a job, and say so."""
