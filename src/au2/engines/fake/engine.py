"""The fake engine: containers are scripted programs in memory.

Containers outlive :meth:`FakeEngine.close`, as real ones outlive the platform's process: a second
dispatcher on the same object takes them over.
"""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence

from au2.domain.errors import TooLarge, Unsupported
from au2.domain.jobs.container_contract import RESULT_FILES
from au2.engines.fake.container import FakeContainer
from au2.engines.fake.program import Invocation, Program
from au2.engines.layer_reader import open_layer
from au2.engines.protocol import (
    Capability,
    Check,
    ContainerSpec,
    ContainerState,
    Engine,
    Observation,
)
from au2.engines.validation import (
    check_job_file_name,
    check_spec,
    choose_arguments,
    choose_stop_signal,
    container_exists,
    is_container_id,
    no_container,
)
from au2.oci.spec.image import Image
from au2.stores.content.images import load_image
from au2.stores.content.protocol import ContentStore

_FILE_BYTES = 4096


class FakeEngine(Engine):
    """An :class:`~au2.engines.protocol.Engine` without a kernel.

    Args:
        blobs: holds the images. Their layers are read and judged, and not kept.
        program: gives each container its steps.
    """

    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, blobs: ContentStore, program: Program) -> None:
        self._blobs = blobs
        self._program = program
        self._lock = threading.Lock()
        self._containers: dict[str, FakeContainer] = {}
        self._prepared: set[str] = set()

    def resume(self, container_id: str) -> None:
        """Let a program go on behind its :class:`~au2.engines.fake.program.Wait`."""
        self._get(container_id).resume()

    def lose(self, container_id: str) -> None:
        """Lose a container's monitor, and the exit code too."""
        self._get(container_id).lose("the container's monitor is gone")

    def check(self) -> Sequence[Check]:
        return [Check("fake engine", ok=True, message="containers are scripted, in memory")]

    def open(self) -> None:
        """Set up nothing."""

    def close(self) -> None:
        """Release nothing."""

    def uninstall(self) -> None:
        for container_id in list(self.list_containers()):
            self.remove(container_id)

    def prepare(self, image_digest: str, check: Callable[[], None] = lambda: None) -> None:
        if image_digest in self._prepared:
            return
        image = load_image(self._blobs, image_digest)
        for descriptor, diff_id in zip(image.manifest.layers, image.config.diff_ids, strict=True):
            check()
            with open_layer(self._blobs, descriptor.digest, diff_id) as members:
                for _ in members:
                    pass
        self._prepared.add(image_digest)

    def create(self, spec: ContainerSpec) -> None:
        check_spec(spec)
        if spec.container_id in self._containers:
            raise container_exists(spec.container_id)
        self.prepare(spec.image_digest)
        image = load_image(self._blobs, spec.image_digest)
        made = FakeContainer(spec, self._program(_invoke(spec, image)))
        with self._lock:
            if self._containers.setdefault(spec.container_id, made) is not made:
                raise container_exists(spec.container_id)

    def start(self, container_id: str) -> None:
        self._get(container_id).start()

    def observe(
        self, container_id: str, *, seen_log_bytes: int = 0, timeout_seconds: float = 0.0
    ) -> Observation:
        found = self._containers.get(container_id)
        if found is None:
            return Observation(ContainerState.LOST, message="there is no container of that id")
        return found.observe(seen_log_bytes, timeout_seconds)

    def read_log(self, container_id: str, *, offset: int, limit_bytes: int) -> bytes:
        return bytes(self._get(container_id).log[offset : offset + limit_bytes])

    def read_file(self, container_id: str, name: str, *, limit_bytes: int) -> bytes | None:
        check_job_file_name(name)
        content = self._get(container_id).files.get(name)
        if content is not None and len(content) > limit_bytes:
            raise TooLarge(f"{name} is larger than {limit_bytes} bytes")
        return content

    def listen(self, container_id: str, port: int) -> socket.socket:
        self._get(container_id)
        raise Unsupported(f"the fake engine has no network to listen on port {port} of")

    def signal(self, container_id: str, name: str) -> None:
        self._get(container_id).send_signal(name)

    def stop_signal(self, image_digest: str) -> str:
        return choose_stop_signal(load_image(self._blobs, image_digest).config)

    def restrict_log(self, container_id: str) -> None:
        self._get(container_id).restrict_log()

    def allow_log(self, container_id: str, remark: str) -> None:
        self._get(container_id).allow_log(remark)

    def drop_log(self, container_id: str, size_bytes: int) -> bool:
        del container_id, size_bytes
        return False

    def disk_bytes(self, container_id: str) -> int:
        found = self._containers.get(container_id)
        if found is None:
            return 0
        return sum(max(_FILE_BYTES, len(data)) for data in (found.log, *found.files.values()))

    def release(self, container_id: str, *, file_limit_bytes: int) -> None:
        if not is_container_id(container_id):
            raise no_container(container_id)
        found = self._containers.get(container_id)
        if found is not None:
            found.files = {
                name: data[: file_limit_bytes + 1]
                for name, data in found.files.items()
                if name in RESULT_FILES
            }

    def reclaim(self, *, file_limit_bytes: int) -> None:
        for container_id, container in list(self._containers.items()):
            if container.has_ended:
                self.release(container_id, file_limit_bytes=file_limit_bytes)

    def remove(self, container_id: str) -> None:
        with self._lock:
            found = self._containers.pop(container_id, None)
        if found is not None:
            found.lose("there is no container of that id")

    def list_containers(self) -> Iterator[str]:
        yield from sorted(self._containers)

    def _get(self, container_id: str) -> FakeContainer:
        try:
            return self._containers[container_id]
        except KeyError:
            raise no_container(container_id) from None


def _invoke(spec: ContainerSpec, image: Image) -> Invocation:
    return Invocation(
        spec.container_id,
        choose_arguments(image.config, spec.command),
        dict(item.split("=", 1) for item in image.config.env if "=" in item)
        | {"HOSTNAME": spec.hostname}
        | dict(spec.environment),
        dict(spec.files),
    )
