"""Running the system's tools."""

import os
import subprocess
from collections.abc import Sequence

from au2.domain.errors import EngineFailure, Unsupported

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


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
