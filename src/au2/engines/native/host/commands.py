"""System tools run as child processes, and errors of the operating system."""

import errno
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from au2.domain.errors import EngineFailure, StorageFull, Unsupported

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def tool_environment() -> dict[str, str]:
    """Return the environment for tools: nothing of the platform's own, which may hold secrets.

    The folders for administrators' tools are searched even where the platform was started
    without them.
    """
    return {"PATH": f"{os.environ.get('PATH', '')}:{_PATH}".lstrip(":"), "LC_ALL": "C.UTF-8"}


def run_tool(
    command: Sequence[str], *, given: str | None = None, timeout_seconds: float = 60.0
) -> str:
    """Run a command and return its output.

    Raises:
        Unsupported: it is not installed.
        EngineFailure: it failed or took too long; the message holds what it said.
    """
    try:
        done = subprocess.run(
            command,
            input=given.encode() if given is not None else b"",
            capture_output=True,
            env=tool_environment(),
            cwd="/",
            timeout=timeout_seconds,
            check=False,
        )
    except FileNotFoundError as error:
        raise Unsupported(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise EngineFailure(f"{command[0]} did not end within {timeout_seconds:g} s") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}"
        raise EngineFailure(f"{' '.join(command[:3])}: {said[-2000:]}")
    return done.stdout.decode("utf-8", "replace")


def is_full(error: OSError) -> bool:
    """Whether a disk was full."""
    return error.errno in _FULL


@contextmanager
def as_engine_failure(doing: str) -> Iterator[None]:
    """Turn an OSError inside the block into StorageFull or EngineFailure.

    Args:
        doing: what was tried, for the message: "unpack a layer".
    """
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise StorageFull from error
        raise EngineFailure(f"could not {doing}: {error}") from error
