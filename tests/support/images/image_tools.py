"""Fixture: podman, buildah and skopeo (Debian's), as tools that make and move images.

They share a storage in a temporary folder, never the machine's own, with plain copies of folders
(``vfs``), since an overlay can't lie on every file system that tests run on.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.commands.command import Result, run_command


@dataclass(frozen=True, slots=True)
class ImageTools:
    """The three tools on one storage."""

    directory: Path

    def podman(self, *arguments: str | Path) -> Result:
        """Run podman and insist that it succeeds."""
        own = ("--tmpdir", self.directory / "tmp", "--events-backend", "none")
        return self._ok("podman", *self._storage, *own, *arguments)

    def buildah(self, *arguments: str | Path) -> Result:
        """Run buildah and insist that it succeeds."""
        return self._ok("buildah", *self._storage, *arguments)

    def skopeo(self, *arguments: str | Path) -> Result:
        """Run skopeo and insist that it succeeds; it has no storage of its own."""
        return self._ok("skopeo", *arguments)

    def build(self, name: str, dockerfile: str, files: dict[str, bytes]) -> None:
        """Build an image with buildah; its steps run in a changed root, which needs no rights."""
        with tempfile.TemporaryDirectory(dir=self.directory) as folder:
            for path, content in files.items():
                Path(folder, path).write_bytes(content)
            Path(folder, "Dockerfile").write_text(dockerfile)
            self.buildah("bud", "--isolation", "chroot", "--layers", "-t", name, folder)

    @property
    def _storage(self) -> tuple[str | Path, ...]:
        root, run = self.directory / "root", self.directory / "run"
        return ("--root", root, "--runroot", run, "--storage-driver", "vfs")

    def _ok(self, *command: str | Path) -> Result:
        # Its own folder for large temporary files: /var/tmp may be small.
        env = {**os.environ, "TMPDIR": str(self.directory), "HOME": str(self.directory)}
        result = run_command(*command, env=env)
        assert result.exit_code == 0, result
        return result


@pytest.fixture(scope="session")
def image_tools() -> Iterator[ImageTools]:
    """The tools, on an empty storage that the tests of one worker share."""
    directory = Path(tempfile.mkdtemp(prefix="au2-images-"))
    try:
        yield ImageTools(directory)
    finally:
        # vfs may leave mounts of its storage on itself.
        mounts = Path("/proc/self/mounts").read_text().splitlines()
        for mount in reversed([line.split()[1] for line in mounts]):
            if mount.startswith(f"{directory}/"):
                subprocess.run(["umount", mount], check=False)
        shutil.rmtree(directory, ignore_errors=True)
