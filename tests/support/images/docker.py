"""Fixture: a Docker daemon of our own (Debian's ``docker.io``), to compare with.

It runs in a network and mount namespace of its own: it has its usual bridge there, and its packet
filter rules don't touch the machine's.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from au2.stores.content.filesystem import FileContentStore
from au2.stores.content.images import load_image
from tests.support.commands.command import Result, run_command
from tests.support.images.docker_archive import write_docker_archive

DOCKERD = "/usr/sbin/dockerd"
DOCKER = "/usr/bin/docker"
"""Debian's, although another client may come first on the path."""


@dataclass(frozen=True, slots=True)
class Docker:
    """A running daemon."""

    socket: Path

    @property
    def command(self) -> list[str]:
        """How its client is called."""
        return [DOCKER, "-H", f"unix://{self.socket}"]

    @property
    def env(self) -> dict[str, str]:
        """The environment of its client: the classic builder, no user's configuration."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("DOCKER_")}
        return {**inherited, "DOCKER_BUILDKIT": "0", "DOCKER_CONFIG": str(self.socket.parent)}

    def __call__(self, *arguments: str | Path, stdin: bytes | None = None) -> Result:
        """Run the client with these arguments."""
        return run_command(*self.command, *arguments, stdin=stdin, env=self.env)

    def ok(self, *arguments: str | Path, stdin: bytes | None = None) -> Result:
        """Run the client and insist that it succeeds."""
        result = self(*arguments, stdin=stdin)
        assert result.exit_code == 0, result
        return result

    def load(self, archive: IO[bytes]) -> None:
        """Load an image archive, without holding it in memory."""
        subprocess.run(
            [*self.command, "load"], stdin=archive, env=self.env, check=True, capture_output=True
        )

    def copy_image(self, data_dir: Path, digest: str, tag: str) -> None:
        """Load an image out of a server's data directory: the very same layers."""
        blobs = FileContentStore(data_dir / "blobs")
        with tempfile.TemporaryFile() as archive:
            write_docker_archive(load_image(blobs, digest), blobs, archive, tag)
            archive.seek(0)
            self.load(archive)


@contextmanager
def running_docker() -> Iterator[Docker]:
    """Start a daemon in a temporary folder; end it and remove the folder afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="au2-docker-"))
    docker = Docker(directory / "docker.sock")
    with (directory / "dockerd.log").open("wb") as log:
        daemon = subprocess.Popen(
            [
                *("unshare", "--net", "--mount", "--"),
                *("sh", "-c", 'ip link set lo up && exec "$@"', "sh"),
                *(DOCKERD, "--data-root", str(directory / "data")),
                *("--exec-root", str(directory / "exec"), "-H", f"unix://{docker.socket}"),
                *("-p", str(directory / "pid")),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while docker("version").exit_code:
            written = (directory / "dockerd.log").read_text(errors="replace")
            assert daemon.poll() is None, written
            time.sleep(0.05)
        yield docker
    finally:
        daemon.terminate()
        daemon.wait()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def docker() -> Iterator[Docker]:
    """A Docker daemon, shared by the tests of one worker."""
    with running_docker() as daemon:
        yield daemon
