"""Build containers: their images and their runs, with a gateway on their loopback."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock

from au2.dependencies.gateway import PORT, GatewayErrors, Routes, serve
from au2.domain import defaults
from au2.domain.accounts.context import Context
from au2.domain.errors import Au2Error, BlobMissing, DependenciesFailed
from au2.domain.jobs.container_contract import USER_ID, Network
from au2.domain.jobs.job import Resources
from au2.domain.wording import count_of, format_bytes, format_seconds
from au2.engines.protocol import ContainerSpec, ContainerState, Engine, Observation
from au2.oci.spec.image import AddedLayer, ConfigChanges, append_layers
from au2.oci.streams import open_slice
from au2.oci.tar.writer import MODIFIED_AT, LayerEntry, directory_entry, file_entry, with_parents
from au2.stores.content.images import load_image, save_image, save_layer
from au2.stores.content.protocol import IngesterProvider
from au2.stores.logs.record import parse_records

BUILD_DIRECTORY = "/opt/au2/build"
DRIVERS = Path(__file__).parent / "drivers"
"""Programs that a runtime's own interpreter runs."""
_OBSERVE_SECONDS = 0.5
_CHUNK_BYTES = 1 << 20
_LOG_BYTES = 16 << 20
_TAIL_LINES = 200
_MEASURE_SECONDS = 1.0
_MEASURE_SHARE = 20
"""Measurements take at most this part of the time, however many files there are."""
_REMEMBERED = 64
"""Tool images of this many runtimes are remembered."""


class ToolImages:
    """Tool images by runtime, each built once. Safe for threads.

    Args:
        blobs: content store of the images.
        make_tool: returns the tool's files; called once, before the first image.
        folders: absolute paths of the folders that the build's user may write.
        user: numeric id of the build's user.
    """

    def __init__(
        self,
        blobs: IngesterProvider,
        make_tool: Callable[[], list[LayerEntry]],
        folders: tuple[str, ...],
        *,
        user: int = USER_ID,
    ) -> None:
        self._blobs = blobs
        self._user = user
        self._make_tool = make_tool
        self._folders = folders
        self._lock = Lock()
        self._layer: AddedLayer | None = None
        self._made: dict[str, str] = {}

    def ensure(self, runtime_digest: str) -> str:
        """Return the manifest digest of the tool image on this runtime.

        Raises BlobMissing, StorageFull.
        """
        with self._lock:
            made = self._made.pop(runtime_digest, None)
            # No version has the image, so garbage collection may have removed it since.
            if made is None or not self._is_there(made):
                made = self._make(runtime_digest)
            # The most recently used ones: runtimes with Debian packages are many.
            self._made[runtime_digest] = made
            for oldest in list(self._made)[:-_REMEMBERED]:
                del self._made[oldest]
            return made

    def _is_there(self, digest: str) -> bool:
        try:
            image = load_image(self._blobs, digest)
        except BlobMissing:
            return False
        needed = (digest, image.manifest.config.digest, *(d.digest for d in image.manifest.layers))
        return all(self._blobs.lease(one) for one in needed)

    def _make(self, runtime_digest: str) -> str:
        if self._layer is None or not self._blobs.lease(self._layer.descriptor.digest):
            self._layer = save_layer(
                self._blobs, self._entries(), "au2 build tools", modified_at=MODIFIED_AT
            )
        runtime = load_image(self._blobs, runtime_digest)
        changes = ConfigChanges(
            environment={"HOME": BUILD_DIRECTORY, "TMPDIR": f"{BUILD_DIRECTORY}/temporary"},
            entrypoint=[],
            cmd=[],
            user=f"{self._user}:{self._user}",
            working_dir=BUILD_DIRECTORY,
        )
        manifest, config = append_layers(runtime.manifest, runtime.config, [self._layer], changes)
        return save_image(self._blobs, manifest, config)

    def _entries(self) -> list[LayerEntry]:
        folders = (BUILD_DIRECTORY, f"{BUILD_DIRECTORY}/temporary", *self._folders)
        entries = [directory_entry(path.strip("/"), owner=self._user) for path in folders]
        entries += self._make_tool()
        return with_parents(entries)


def tool_files(files: Mapping[str, Path]) -> list[LayerEntry]:
    """Return executable files of an image.

    Args:
        files: source by absolute path in the image.
    """
    entries = []
    for path, source in files.items():
        size = source.stat().st_size
        opened = partial(open_slice, source, 0, size)
        entries.append(file_entry(path.strip("/"), size, opened, executable=True))
    return entries


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """Limits of a build."""

    cpu: float = 2.0
    memory_bytes: int = defaults.BUILD_MEMORY_BYTES
    processes: int = 1024
    timeout_seconds: float = defaults.BUILD_SECONDS
    layer_max_bytes: int = defaults.DEPENDENCY_BYTES
    """Size of one package's dependencies."""
    cache_max_bytes: int = defaults.DOWNLOAD_CACHE_BYTES
    """Size of the cache of package files."""
    work_bytes: int = 1 << 30
    """Space on the disk for lists of packages, caches and logs of a build, besides the packages."""

    @property
    def disk_bytes(self) -> int:
        """Most that a build container may write: its result, as much again, and the work's."""
        return 2 * self.layer_max_bytes + self.work_bytes


@dataclass(frozen=True, slots=True)
class BuildRun:
    """Owner, log and check of a build."""

    container_id: str
    """Prefix of the ids of its containers."""
    owner: Context
    """Context of the process; results of packages' code are shared within this context only."""
    log: Callable[[str], None]
    """Takes lines for people."""
    check: Callable[[], None] = field(default=lambda: None)
    """Called often; raises to end the build."""

    @property
    def scope(self) -> str:
        """Cache scope of the owner's own results."""
        return f"{self.owner.organization_id}/{self.owner.project_id or ''}"


@dataclass(frozen=True, slots=True)
class BuildResult:
    """Exit code and last output of a build container."""

    exit_code: int
    tail: tuple[str, ...]
    """Its last lines."""
    refusal: Au2Error | None
    """Error that kept the gateway from serving a request."""


def run_build(
    engine: Engine,
    image_digest: str,
    name: str,
    *,
    files: Mapping[str, bytes],
    environment: Mapping[str, str],
    command: tuple[str, ...],
    routes: Routes,
    options: BuildOptions,
    run: BuildRun,
) -> BuildResult:
    """Run a container with its image, ``files`` and the gateway only.

    Raises:
        DependenciesFailed: over the time, memory or disk limit, or lost.
        EngineFailure: the gateway failed.
    """
    container_id = f"{run.container_id}-{name}"
    spec = ContainerSpec(
        container_id=container_id,
        image_digest=image_digest,
        environment=environment,
        files=files,
        resources=Resources(
            options.cpu,
            options.memory_bytes,
            options.processes,
            options.timeout_seconds,
            Network.NONE,
        ),
        hostname="build",
        command=command,
        log_limit_bytes=_LOG_BYTES,
    )
    engine.remove(container_id)  # Left by an attempt that was interrupted.
    try:
        engine.create(spec)
        with engine.listen(container_id, PORT) as listener, serve(listener, routes) as errors:
            engine.start(container_id)
            disk = _DiskLimit(engine, container_id, options.disk_bytes)
            return _Follower(engine, spec, run, errors, disk).follow()
    finally:
        engine.remove(container_id)


class _DiskLimit:
    """Ends a build that writes too much to the disk, which all jobs share."""

    def __init__(self, engine: Engine, container_id: str, limit_bytes: int) -> None:
        self._engine = engine
        self._container_id = container_id
        self._limit_bytes = limit_bytes
        self._next_at = time.monotonic() + _MEASURE_SECONDS

    def check(self) -> None:
        """Measure what was written, now and then. Raises DependenciesFailed, EngineFailure."""
        begun_at = time.monotonic()
        if begun_at < self._next_at:
            return
        written_bytes = self._engine.disk_bytes(self._container_id)
        now = time.monotonic()
        self._next_at = now + max(_MEASURE_SECONDS, (now - begun_at) * _MEASURE_SHARE)
        if written_bytes > self._limit_bytes:
            raise DependenciesFailed(
                f"installing the dependencies wrote more than {format_bytes(self._limit_bytes)} to "
                "the disk (a file counts 4 KiB at least).",
                hint="Ask for fewer or smaller ones, or ask your operator for more.",
            )


class _Follower:
    """Follows a container to its end, and copies its output to the build's log."""

    def __init__(
        self,
        engine: Engine,
        spec: ContainerSpec,
        run: BuildRun,
        errors: GatewayErrors,
        disk: _DiskLimit,
    ) -> None:
        self._engine = engine
        self._spec = spec
        self._run = run
        self._errors = errors
        self._disk = disk
        self._read_bytes = 0
        self._raw = b""
        self._parts: dict[str, bytes] = {}
        self._tail: list[str] = []

    def follow(self) -> BuildResult:
        container_id, until = self._spec.container_id, time.monotonic() + self._time_limit
        seen_bytes = 0
        while True:
            seen = self._engine.observe(
                container_id, seen_log_bytes=seen_bytes, timeout_seconds=_OBSERVE_SECONDS
            )
            seen_bytes = max(seen_bytes, seen.log_bytes)
            self._pass_on(seen.log_bytes)
            self._errors.check()
            if seen.state in (ContainerState.EXITED, ContainerState.LOST):
                return self._judge(seen)
            self._run.check()
            self._disk.check()
            if time.monotonic() >= until:
                limit = format_seconds(self._time_limit)
                raise DependenciesFailed(
                    f"installing the dependencies took longer than {limit}.",
                    hint="Ask for fewer, or ask your operator for more time.",
                )

    @property
    def _time_limit(self) -> float:
        return self._spec.resources.timeout_seconds

    def _judge(self, seen: Observation) -> BuildResult:
        if seen.state is ContainerState.LOST or seen.exit_code is None:
            cause = f": {seen.message}" if seen.message else ""
            raise DependenciesFailed(
                f"the container that installs dependencies was lost{cause}",
                hint="Upload again; if it happens again, ask your operator.",
            )
        if seen.out_of_memory_kills:
            self._report_memory(seen)
        return BuildResult(seen.exit_code, tuple(self._tail), self._errors.refusal)

    def _report_memory(self, seen: Observation) -> None:
        """Raise if the build failed, else log the kill: the build may have gone on without."""
        killed = count_of(seen.out_of_memory_kills, "process", "processes")
        limit = format_bytes(self._spec.resources.memory_bytes)
        if seen.exit_code == 0:
            self._run.log(f"The kernel killed {killed} of the installation for memory.")
        elif seen.reached_memory_limit:
            raise DependenciesFailed(
                f"installing the dependencies needed more than {limit} of memory.",
                hint="Ask your operator for more.",
            )
        else:
            raise DependenciesFailed(
                "installing the dependencies was cut off: the machine had no memory left.",
                hint="Upload again; if it happens again, ask your operator.",
            )

    def _pass_on(self, log_bytes: int) -> None:
        while self._read_bytes < log_bytes:
            data = self._engine.read_log(
                self._spec.container_id, offset=self._read_bytes, limit_bytes=_CHUNK_BYTES
            )
            if not data:
                return
            self._read_bytes += len(data)
            records, consumed = parse_records(self._raw + data)
            self._raw = (self._raw + data)[consumed:]
            for record in records:
                text = self._parts.pop(record.stream, b"") + record.content
                if record.partial:
                    self._parts[record.stream] = text[-_CHUNK_BYTES:]
                else:
                    self._say(text.decode("utf-8", "replace"))

    def _say(self, line: str) -> None:
        self._tail = [*self._tail[-_TAIL_LINES:], line]
        self._run.log(line)
