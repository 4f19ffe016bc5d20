"""Fixture: the native engine with a small image, and running a script in a container of it."""

import itertools
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from au2.domain.job import Resources
from au2.domain.network import Network
from au2.engines.base import ContainerSpec, ContainerState, Observation
from au2.engines.native.engine import NativeEngine
from au2.engines.native.options import NativeOptions
from au2.stores.content.filesystem import FileContentStore
from au2.stores.logs.record import parse_records
from tests.support.busybox import SmallImage

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a container."""

    observation: Observation
    raw: bytes
    stdout: bytes
    stderr: bytes


@dataclass(slots=True)
class Workbench:
    """An opened engine and an image of busybox in it."""

    engine: NativeEngine
    blobs: FileContentStore
    image_digest: str
    data_dir: Path
    run_dir: Path
    made: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def spec(
        self,
        script: str,
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
        return ContainerSpec(
            container_id=self.made[-1],
            image_digest=image or self.image_digest,
            environment=environment or {},
            files=files or {},
            resources=Resources(cpu, memory, processes, 60.0, network, shared_memory),
            command=("/bin/sh", "-c", script) if command is None else command,
            **more,  # type: ignore[arg-type]
        )

    def start(self, script: str, **more: object) -> str:
        """Create and start a container; return its id."""
        spec = self.spec(script, **more)  # type: ignore[arg-type]
        self.engine.create(spec)
        self.engine.start(spec.container_id)
        return spec.container_id

    def run(self, script: str, **more: object) -> Result:
        """Run a container to its end and remove it."""
        container_id = self.start(script, **more)
        result = self.finish(container_id)
        self.engine.remove(container_id)
        return result

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


def output_of(raw: bytes, stream: str) -> bytes:
    """Return what was printed on a stream, byte for byte."""
    records, _ = parse_records(raw)
    return b"".join(
        record.content + (b"" if record.partial else b"\n")
        for record in records
        if record.stream == stream
    )


def make_workbench(
    folder: Path, image: SmallImage, options: NativeOptions | None = None
) -> Workbench:
    """Return an engine that is not opened yet."""
    # Not in the tests' temporary folder: no other user may enter that.
    run_dir = Path("/run") / f"au2-test-{uuid.uuid4().hex[:12]}"
    blobs = FileContentStore(folder / "blobs")
    engine = NativeEngine(blobs, folder, run_dir, options or NativeOptions())
    return Workbench(engine, blobs, image.save(blobs), folder, run_dir)


@pytest.fixture(scope="session")
def shared_workbench(
    tmp_path_factory: pytest.TempPathFactory, busybox_image: SmallImage
) -> Iterator[Workbench]:
    """An opened engine for all tests."""
    workbench = make_workbench(tmp_path_factory.mktemp("engine"), busybox_image)
    workbench.engine.open()
    yield workbench
    workbench.engine.uninstall()
    shutil.rmtree(workbench.data_dir)


@pytest.fixture
def workbench(shared_workbench: Workbench) -> Iterator[Workbench]:
    """The engine; what a test makes with it is removed."""
    yield shared_workbench
    shared_workbench.remove_all()
