"""Record of a container on disk, and the identity of processes: any process can take over."""

import json
import os
import signal
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from au2.engines.native.host.system import closing


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """Process id with the start time in clock ticks since boot, because ids are used again."""

    pid: int
    start_ticks: int


@dataclass(frozen=True, slots=True)
class ContainerRecord:
    """A created container."""

    container_id: str
    init: ProcessIdentity
    """First process of the container."""
    monitor: ProcessIdentity
    """The process that holds its output and will know its exit code."""
    log_limit_bytes: int
    job_files: str
    """Fingerprint of the job files before the start (:func:`.job_files.fingerprint`)."""

    def write(self, path: Path) -> None:
        """Write the record, whole or not at all."""
        temporary = path.with_name(f"{path.name}.new")
        temporary.write_text(json.dumps(asdict(self)), "utf-8")
        temporary.chmod(0o600)
        os.replace(temporary, path)  # noqa: PTH105 - atomic is the point

    @classmethod
    def read(cls, path: Path) -> "ContainerRecord | None":
        """Read a record; None if there is none: the container was never created to the end."""
        try:
            document = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        document["init"] = ProcessIdentity(**document["init"])
        document["monitor"] = ProcessIdentity(**document["monitor"])
        return cls(**document)


def identify(pid: int) -> ProcessIdentity | None:
    """Return the identity of the present process of this id; None without one."""
    found = _read(pid)
    return None if found is None else ProcessIdentity(pid, found[1])


def is_alive(process: ProcessIdentity) -> bool:
    """Whether the process runs; a zombie does not."""
    found = _read(process.pid)
    return found is not None and found[0] not in "ZX" and found[1] == process.start_ticks


def send_signal(process: ProcessIdentity, number: int) -> bool:
    """Send a signal to exactly this process; return False if the process is gone."""
    with suppress(ProcessLookupError), closing(os.pidfd_open(process.pid)) as descriptor:
        # From here on the number can't come to mean another process.
        if is_alive(process):
            signal.pidfd_send_signal(descriptor, number)
            return True
    return False


def read_pid(file: Path) -> int | None:
    """Return the number in a file; None if there is none."""
    try:
        return int(file.read_text("ascii").strip())
    except (OSError, ValueError):
        return None


def _read(pid: int) -> tuple[str, int] | None:
    """Return state and start time (proc(5), ``/proc/pid/stat``)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    # The name, in brackets, may hold anything.
    fields = text[text.rindex(")") + 2 :].split()
    return fields[0], int(fields[19])
