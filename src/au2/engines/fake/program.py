"""Scripted programs of the fake engine: a program is a sequence of steps.

Steps run at once when the container is started, up to a :class:`Wait`; the engine's ``resume`` and
signals go on from there. So a test decides when anything happens, and nothing depends on time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from au2.stores.logs.record import STDOUT


@dataclass(frozen=True, slots=True)
class Print:
    """Bytes written to a stream."""

    data: bytes
    stream: str = STDOUT


@dataclass(frozen=True, slots=True)
class WriteFile:
    """A job file written by the program."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """A pause until the engine's ``resume``."""


@dataclass(frozen=True, slots=True)
class OnSignal:
    """A signal handler: the program ends with ``exit_code``.

    All other signals but SIGKILL are ignored, as by the first process of a container.
    """

    name: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class KillForMemory:
    """A process killed by the kernel because memory ran out."""

    is_first_process: bool = True
    """The container ends with 137; else the program goes on without a child."""
    reached_limit: bool = True
    """False: the machine as a whole had no memory left."""


@dataclass(frozen=True, slots=True)
class Disappear:
    """The loss of the container: its exit code is unknown."""


@dataclass(frozen=True, slots=True)
class FailCreate:
    """As the first step: the container can't be created."""

    message: str


@dataclass(frozen=True, slots=True)
class FailStart:
    """As the first step: the created container can't be started."""

    message: str


@dataclass(frozen=True, slots=True)
class Exit:
    """The end of the program; 0 after the last step."""

    code: int = 0


Step = (
    Print | WriteFile | Wait | OnSignal | KillForMemory | Disappear | FailCreate | FailStart | Exit
)


@dataclass(frozen=True, slots=True)
class Invocation:
    """One container from the program's point of view."""

    container_id: str
    arguments: Sequence[str]
    """Entry point and command."""
    environment: Mapping[str, str] = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)
    """Job files before the start, by name."""


Program = Callable[[Invocation], Sequence[Step]]
"""The steps of each container's program."""
