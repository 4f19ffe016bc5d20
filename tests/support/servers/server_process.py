"""A real server: its data directory, its processes, and a clean end."""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.checkout import AU2_SERVER, RUNTIME_CACHE, RUNTIME_NAME
from tests.support.commands.command import Result, run_command

EMAIL = "admin@example.com"
PASSWORD = "correct horse battery staple"
ORGANIZATION = "Acme"
PROJECT = "Forecast"
_READY = re.compile(rb"https?://127\.0\.0\.1:(\d+)")


class StartError(Exception):
    """The server did not start; the message holds its log."""


def server_env(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a server: the machine's, the shared runtimes, and ``env``."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AU_", "AU2_"))}
    return {**inherited, "AU2_RUNTIMES_CACHE_DIR": str(RUNTIME_CACHE), **(env or {})}


def run_server_command(
    *arguments: str | Path, stdin: bytes | None = None, env: Mapping[str, str] | None = None
) -> Result:
    """Run ``au2-server`` with these arguments to its end."""
    return run_command(AU2_SERVER, *arguments, stdin=stdin, env=server_env(env))


@contextmanager
def runtime_cache_locked() -> Iterator[None]:
    """Hold the shared cache of built runtimes, so that a runtime is built once and not twice."""
    RUNTIME_CACHE.mkdir(parents=True, exist_ok=True)
    with (RUNTIME_CACHE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@dataclass(slots=True)
class ServerProcess:
    """One installation on a free loopback port. Starting again keeps the port."""

    data_dir: Path
    env: dict[str, str] = field(default_factory=dict)
    ids: dict[str, Any] = field(default_factory=dict)
    port: int = 0
    scheme: str = "http"
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def log_file(self) -> Path:
        """What the server wrote, over all starts."""
        return self.data_dir.with_name(self.data_dir.name + ".log")

    def log_tail(self, characters: int = 4000) -> str:
        """The end of what the server wrote."""
        if not self.log_file.exists():
            return "(no log)"
        return self.log_file.read_text(errors="replace")[-characters:]

    @property
    def process_group(self) -> int:
        """Group of all processes that this server started as its own."""
        assert self._process is not None
        return self._process.pid

    def init(self) -> None:
        """Make the first user, organization and project."""
        done = run_server_command(
            *("init", "--data-dir", self.data_dir, "--email", EMAIL, "--password-stdin"),
            *("--organization", ORGANIZATION, "--project", PROJECT, "-o", "json"),
            stdin=PASSWORD.encode() + b"\n",
            env=self.env,
        )
        if done.exit_code:
            raise StartError(str(done))
        self.ids = json.loads(done.stdout)

    def add_runtime(self, name: str = RUNTIME_NAME) -> None:
        """Add a runtime, from the shared cache if it is there."""
        with runtime_cache_locked():
            done = run_server_command(
                "runtime", "build", name, "--data-dir", self.data_dir, env=self.env
            )
        if done.exit_code:
            raise StartError(str(done))

    def start(self, *, umask: int = 0o022) -> None:
        """Start and return when it answers."""
        with self.log_file.open("ab") as log:
            seen = log.tell()
            self._process = subprocess.Popen(
                [
                    *(str(AU2_SERVER), "start", "--data-dir", str(self.data_dir)),
                    *("--listen", f"127.0.0.1:{self.port}"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=server_env(self.env),
                # Its own group, so that a test can kill the server and nothing else.
                start_new_session=True,
                umask=umask,
            )
        self.port = self._wait_until_ready(seen)

    def _wait_until_ready(self, seen: int) -> int:
        assert self._process is not None
        while True:
            ended = self._process.poll() is not None
            written = self.log_file.read_bytes()[seen:]
            if ready := _READY.search(written):
                return int(ready[1])
            if ended:
                raise StartError(written.decode(errors="replace"))
            time.sleep(0.02)

    def stop(self) -> int:
        """Ask it to end (SIGTERM) and return its exit code."""
        process = self._process
        if process is None:
            return 0
        process.terminate()
        code = process.wait()
        self._process = None
        return code

    def kill(self) -> None:
        """Kill every process of the server at once (SIGKILL); containers are not touched."""
        assert self._process is not None
        os.killpg(self.process_group, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def is_running(self) -> bool:
        """Whether its main process lives."""
        return self._process is not None and self._process.poll() is None

    def remove(self) -> None:
        """Stop it and remove what it kept and what it set up."""
        self.stop()
        if self.data_dir.is_dir():
            # Refused where nothing was set up: without `init`, or with settings that are wrong.
            run_server_command("uninstall", "--data-dir", self.data_dir, env=self.env)
        shutil.rmtree(self.data_dir, ignore_errors=True)
        self.log_file.unlink(missing_ok=True)
