"""Fixtures: image registries on loopback (Debian's ``docker-registry``)."""

import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.images.docker import Docker

DOCKER_REGISTRY = "/usr/bin/docker-registry"
USER, PASSWORD = "robot", "open sesame"
# That password, by bcrypt: the only way that this registry takes.
_LOGINS = f"{USER}:$2y$05$LLiCLnKNuD6tdaV7I4lVu./AdFcpxBoiN91kWXRrBDzkOxF1cWZHy\n"
_CONFIGURATION = """\
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {directory}/data}}}}
http: {{addr: "{address}"}}
"""
_ACCESS = "auth: {{htpasswd: {{realm: tests, path: {directory}/logins}}}}\n"
_INSIDE = "127.0.0.1:5000"


@dataclass(frozen=True, slots=True)
class LocalRegistry:
    """A running registry."""

    name: str
    """``host:port``."""
    directory: Path

    def push(self, docker: Docker, image: str, repository: str) -> str:
        """Push an image that the daemon has, by Docker itself; return the manifest's digest.

        The daemon's loopback is another one, so a second registry there takes it, on the
        same files.
        """
        pid = (docker.socket.parent / "pid").read_text().strip()
        inside = ("nsenter", f"--net=/proc/{pid}/ns/net")
        target = f"{_INSIDE}/{repository}"
        docker.ok("tag", image, target)
        with _serving(self.directory, _INSIDE, "", inside) as process:
            while (pushed := docker("push", target)).exit_code:
                assert process.poll() is None, "the registry inside ended"
                assert "refused" in pushed.errors, pushed
        found = re.search(r"digest: (sha256:[0-9a-f]{64})", pushed.text)
        assert found, pushed
        return found[1]


MakeRegistry = Callable[..., AbstractContextManager[LocalRegistry]]


@contextmanager
def running_registry(*, with_login: bool = False) -> Iterator[LocalRegistry]:
    """Start a registry with nothing in it; remove it afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="au2-registry-"))
    registry = LocalRegistry(f"127.0.0.1:{_free_port()}", directory)
    (directory / "logins").write_text(_LOGINS)
    access = _ACCESS.format(directory=directory) if with_login else ""
    try:
        with _serving(directory, registry.name, access) as process:
            while not _answers(registry):
                log = (directory / "log").read_text(errors="replace")
                assert process.poll() is None, log
                time.sleep(0.02)
            yield registry
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _serving(
    directory: Path, address: str, access: str, prefix: Sequence[str] = ()
) -> Iterator["subprocess.Popen[bytes]"]:
    configuration = directory / f"configuration-{len(prefix)}.yml"
    configuration.write_text(_CONFIGURATION.format(directory=directory, address=address) + access)
    with (directory / "log").open("ab") as log:
        process = subprocess.Popen(
            [*prefix, DOCKER_REGISTRY, "serve", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _answers(registry: LocalRegistry) -> bool:
    try:
        return httpx.get(f"http://{registry.name}/v2/").status_code in {200, 401}
    except httpx.TransportError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def registry() -> Iterator[LocalRegistry]:
    """A registry that everybody may use, shared by the tests of one worker."""
    with running_registry() as started:
        yield started


@pytest.fixture
def make_registry() -> MakeRegistry:
    """``with make_registry(with_login=True) as registry`` → one of one's own."""
    return running_registry
