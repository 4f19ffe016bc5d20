"""Fixture: an engine with a small image, and running a program in a container of it."""

import itertools
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import pytest

from au2.domain.jobs.container_contract import Network
from au2.domain.jobs.job import Resources
from au2.engines.fake.engine import FakeEngine
from au2.engines.fake.program import Exit, Invocation, Print, Step
from au2.engines.native.engine import NativeEngine
from au2.engines.native.options import NativeOptions
from au2.engines.protocol import ContainerSpec, ContainerState, Engine, Observation
from au2.stores.content.filesystem import FileContentStore
from au2.stores.logs.record import parse_records
from tests.support.images.busybox import SmallImage

MEBIBYTE = 1 << 20
Steps = Sequence[Step] | Callable[[Mapping[str, str]], Sequence[Step]]
"""Steps, or what makes them of the container's environment."""
AnyEngine = TypeVar("AnyEngine", bound=Engine)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a container."""

    observation: Observation
    raw: bytes
    stdout: bytes
    stderr: bytes


@dataclass(slots=True)
class EngineHarness(Generic[AnyEngine]):
    """An opened engine with an image of busybox.

    A program is given twice: as a script, which an engine with a kernel runs, and as the steps of
    the fake engine that do the same.
    """

    engine: AnyEngine
    blobs: FileContentStore
    image_digest: str
    data_dir: Path
    run_dir: Path
    made: list[str] = field(default_factory=list)
    steps: dict[str, Steps] = field(default_factory=dict)
    """By container."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def spec(
        self,
        script: str,
        steps: Steps = (),
        *,
        image: str | None = None,
        network: Network = Network.NONE,
        memory: int = 64 * MEBIBYTE,
        processes: int = 64,
        cpu: float = 1.0,
        shared_memory: int | None = None,
        files: Mapping[str, bytes] | None = None,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] | None = None,
        **more: object,
    ) -> ContainerSpec:
        """Return the specification of a new container that runs ``script``."""
        self.made.append(f"t-{os.getpid()}-{next(self._numbers)}")
        self.steps[self.made[-1]] = steps
        return ContainerSpec(
            container_id=self.made[-1],
            image_digest=image or self.image_digest,
            environment=environment or {},
            files=files or {},
            resources=Resources(cpu, memory, processes, 60.0, network, shared_memory),
            command=("/bin/sh", "-c", script) if command is None else command,
            **more,  # type: ignore[arg-type]
        )

    def start(self, script: str, steps: Steps = (), **more: object) -> str:
        """Create and start a container; return its id."""
        spec = self.spec(script, steps, **more)  # type: ignore[arg-type]
        self.engine.create(spec)
        self.engine.start(spec.container_id)
        return spec.container_id

    def run(self, script: str, steps: Steps = (), **more: object) -> Result:
        """Run a container to its end and remove it."""
        container_id = self.start(script, steps, **more)
        result = self.finish(container_id)
        self.engine.remove(container_id)
        return result

    def resume(self, container_id: str) -> None:
        """Let a program go on that waits for the job file ``go``."""
        raise NotImplementedError

    def finish(self, container_id: str) -> Result:
        """Wait for the end of a container."""
        seen = self.engine.observe(container_id)
        while seen.state not in (ContainerState.EXITED, ContainerState.LOST):
            seen = self.engine.observe(
                container_id, seen_log_bytes=seen.log_bytes, timeout_seconds=10.0
            )
        raw = self.engine.read_log(container_id, offset=0, limit_bytes=1 << 30)
        return Result(seen, raw, output_of(raw, "stdout"), output_of(raw, "stderr"))

    def wait_for_output(self, container_id: str, wanted: bytes) -> None:
        """Wait until the container has printed ``wanted``."""
        size = 0
        while wanted not in output_of(raw := self._read(container_id), "stdout"):
            seen = self.engine.observe(container_id, seen_log_bytes=size, timeout_seconds=10.0)
            assert seen.state is ContainerState.RUNNING, raw
            size = seen.log_bytes

    def remove_all(self) -> None:
        """Remove the containers that were made."""
        while self.made:
            self.engine.remove(self.made.pop())

    def _read(self, container_id: str) -> bytes:
        return self.engine.read_log(container_id, offset=0, limit_bytes=1 << 24)


class NativeHarness(EngineHarness[NativeEngine]):
    """The native engine: programs are scripts of a shell."""

    __slots__ = ()

    def resume(self, container_id: str) -> None:
        (self.data_dir / "containers" / container_id / "files" / "go").touch()


class FakeHarness(EngineHarness[FakeEngine]):
    """The fake engine: programs are steps."""

    __slots__ = ()

    def resume(self, container_id: str) -> None:
        self.engine.resume(container_id)


def find_steps(programs: Mapping[str, Steps], given: Invocation) -> Sequence[Step]:
    """Return a container's program; ``echo`` is known without steps, as every image has it."""
    if given.arguments[0] == "/bin/echo":
        return [Print(" ".join(given.arguments[1:]).encode() + b"\n"), Exit(0)]
    steps = programs[given.container_id]
    return steps(given.environment) if callable(steps) else steps


def make_fake_harness(folder: Path, image: SmallImage) -> FakeHarness:
    """Return a fake engine with an image."""
    blobs = FileContentStore(folder / "blobs")
    programs: dict[str, Steps] = {}
    engine = FakeEngine(blobs, lambda given: find_steps(programs, given))
    return FakeHarness(engine, blobs, image.save(blobs), folder, folder, steps=programs)


def output_of(raw: bytes, stream: str) -> bytes:
    """Return what was printed on a stream, byte for byte."""
    records, _ = parse_records(raw)
    return b"".join(
        record.content + (b"" if record.partial else b"\n")
        for record in records
        if record.stream == stream
    )


def make_native_harness(
    folder: Path, image: SmallImage, options: NativeOptions | None = None
) -> NativeHarness:
    """Return an engine that is not opened yet."""
    # Not in the tests' temporary folder: no other user may enter that.
    run_dir = Path("/run") / f"au2-test-{uuid.uuid4().hex[:12]}"
    blobs = FileContentStore(folder / "blobs")
    engine = NativeEngine(blobs, folder, run_dir, options or NativeOptions())
    return NativeHarness(engine, blobs, image.save(blobs), folder, run_dir)


@pytest.fixture(scope="session")
def shared_native_harness(
    tmp_path_factory: pytest.TempPathFactory, busybox_image: SmallImage
) -> Iterator[NativeHarness]:
    """An opened engine for all tests."""
    harness = make_native_harness(tmp_path_factory.mktemp("engine"), busybox_image)
    harness.engine.open()
    yield harness
    harness.engine.uninstall()
    shutil.rmtree(harness.data_dir)


@pytest.fixture
def native_harness(shared_native_harness: NativeHarness) -> Iterator[NativeHarness]:
    """The engine; what a test makes with it is removed."""
    yield shared_native_harness
    shared_native_harness.remove_all()
