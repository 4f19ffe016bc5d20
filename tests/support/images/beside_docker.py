"""Fixture: the same image in a real Docker and in our engine, and what came of it in each."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from tests.support.commands.command import Result
from tests.support.images.docker import Docker
from tests.support.images.image_making import OddImage
from tests.support.machine.engine import NativeHarness

HOST_NAME = "box"
DOCKER_CAPABILITIES = b"00000000a80425fb"
OUR_CAPABILITIES = b"00000000a80405fb"
"""Docker's without ``CAP_NET_RAW``, by design."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a container."""

    exit_code: int
    stdout: bytes
    stderr: bytes

    @property
    def lines(self) -> list[str]:
        """What was printed."""
        return self.stdout.decode("utf-8", "surrogateescape").splitlines()


@dataclass(frozen=True, slots=True)
class BesideDocker:
    """Runs images side by side, as an image version's job is run: nothing is added to it."""

    docker: Docker
    native_harness: NativeHarness

    def run_docker(self, image: OddImage) -> Ran:
        """Run it in Docker."""
        result = self.try_docker(image)
        return Ran(result.exit_code, result.stdout, result.errors.encode())

    def try_docker(self, image: OddImage) -> Result:
        """Run it in Docker; if that can't be, the result is what Docker says of it."""
        loaded = self.docker("load", stdin=image.docker_archive())
        if loaded.exit_code:
            return loaded
        options = ("--rm", "--network", "none", "--hostname", HOST_NAME)
        return self.docker("run", *options, image.id)

    def docker_command(self, image: OddImage) -> list[str] | None:
        """Return what Docker would start, all words of it; None: it has no command."""
        self.docker.ok("load", stdin=image.docker_archive())
        created = self.docker("create", image.id)
        if created.exit_code:
            assert "No command specified" in created.errors, created
            return None
        container = created.text.strip()
        (told,) = self.docker.ok("inspect", container).document
        self.docker.ok("rm", container)
        return [told["Path"], *told["Args"]]

    def run_ours(self, image: OddImage) -> Ran:
        """Run it in our engine."""
        with self.created(image) as container_id:
            self.native_harness.engine.start(container_id)
            result = self.native_harness.finish(container_id)
        assert result.observation.exit_code is not None
        return Ran(result.observation.exit_code, result.stdout, result.stderr)

    @contextmanager
    def created(self, image: OddImage) -> Iterator[str]:
        """Create a container in our engine; it is removed afterwards."""
        digest = image.save(self.native_harness.blobs)
        spec = self.native_harness.spec(
            "", image=digest, no_new_privileges=False, hostname=HOST_NAME
        )
        self.native_harness.engine.create(replace(spec, command=None))
        yield spec.container_id
        self.native_harness.engine.remove(spec.container_id)

    def same(self, image: OddImage) -> Ran:
        """Run it in both; all that is seen must be the same. Return it."""
        theirs, ours = self.run_docker(image), self.run_ours(image)
        expected = theirs.stdout.replace(DOCKER_CAPABILITIES, OUR_CAPABILITIES)
        assert ours == replace(theirs, stdout=expected)
        return ours


@pytest.fixture
def beside(docker: Docker, native_harness: NativeHarness) -> BesideDocker:
    """Docker and our engine."""
    return BesideDocker(docker, native_harness)
