"""Fixture: packages in every language, built on the real runtimes and run by the engine alone."""

import fcntl
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from au2.domain.jobs.container_contract import Language
from au2.engines.protocol import ContainerSpec
from au2.images.package_image import build_package
from au2.package.manifest import Manifest
from au2.package.tree.entries import PackagedFile
from au2.runtimes.build import build_runtime
from au2.runtimes.recipe_file import get_recipe
from tests.support.checkout import RUNTIME_CACHE
from tests.support.machine.engine import MEBIBYTE, NativeHarness, Result

RUNTIMES = {
    Language.PYTHON: "Python3.11",
    Language.SHELL: "Shell",
    Language.JAVASCRIPT: "Node18",
    Language.R: "R4.2",
}
"""The catalogue's runtime for each language."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a run."""

    exit_code: int | None
    stdout: str
    stderr: str
    files: Mapping[str, Any]
    """The job files that are there: ``output``, ``status`` and ``launcher``, parsed."""

    @property
    def output(self) -> Any:
        return self.files["output"]

    @property
    def status(self) -> Any:
        return self.files["status"]

    @property
    def launcher(self) -> Any:
        return self.files["launcher"]


@dataclass(frozen=True, slots=True)
class Packages:
    """Builds packages and runs them."""

    native_harness: NativeHarness
    runtimes: dict[Language, str]

    def build(
        self,
        language: Language,
        files: Mapping[str, str | bytes],
        *,
        entry_point: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Return the digest of the image of a package with these files."""
        return build_package(
            self.native_harness.blobs,
            self._runtime(language),
            [self._file(path, content) for path, content in files.items()],
            manifest=Manifest("n", "", "r", entry_point=entry_point),
            environment=environment or {},
            log=lambda _: None,
        )

    def start(
        self, image: str, arguments: Any = None, environment: Mapping[str, str] | None = None
    ) -> str:
        """Start a container of the image; return its id."""
        spec: ContainerSpec = self.native_harness.spec(
            "",
            image=image,
            memory=256 * MEBIBYTE,
            files={"args.json": json.dumps(arguments or {}).encode()},
            environment=environment or {},
            command=(),
        )
        self.native_harness.engine.create(spec)
        self.native_harness.engine.start(spec.container_id)
        return spec.container_id

    def finish(self, container_id: str) -> Ran:
        """Wait for its end, collect what it left and remove it."""
        result: Result = self.native_harness.finish(container_id)
        files: dict[str, Any] = {}
        for name in ("output", "status", "launcher"):
            content = self.native_harness.engine.read_file(
                container_id, f"{name}.json", limit_bytes=MEBIBYTE
            )
            if content is not None:
                files[name] = json.loads(content)
        self.native_harness.engine.remove(container_id)
        return Ran(
            result.observation.exit_code, result.stdout.decode(), result.stderr.decode(), files
        )

    def run(
        self,
        language: Language,
        files: Mapping[str, str | bytes],
        arguments: Any = None,
        environment: Mapping[str, str] | None = None,
    ) -> Ran:
        """Build, start and finish."""
        image = self.build(language, files)
        return self.finish(self.start(image, arguments, environment))

    def _runtime(self, language: Language) -> str:
        if language not in self.runtimes:
            RUNTIME_CACHE.mkdir(parents=True, exist_ok=True)
            with (RUNTIME_CACHE / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                built = build_runtime(
                    get_recipe(RUNTIMES[language]),
                    self.native_harness.blobs,
                    cache_dir=RUNTIME_CACHE,
                    progress=lambda _: None,
                )
            self.runtimes[language] = built.image_digest
        return self.runtimes[language]

    def _file(self, path: str, content: str | bytes) -> PackagedFile:
        data = content.encode() if isinstance(content, str) else content
        digest = hashlib.sha256(data).hexdigest()
        with self.native_harness.blobs.writer(
            digest=f"sha256:{digest}", size_bytes=len(data)
        ) as writer:
            writer.write(data)
            writer.commit()
        return PackagedFile(path, "file", False, len(data), digest, "", data)


@pytest.fixture(scope="session")
def built_runtimes() -> dict[Language, str]:
    """Runtimes that are in the shared native_harness already."""
    return {}


@pytest.fixture
def packages(native_harness: NativeHarness, built_runtimes: dict[Language, str]) -> Packages:
    """Packages on the shared native_harness."""
    return Packages(native_harness, built_runtimes)
