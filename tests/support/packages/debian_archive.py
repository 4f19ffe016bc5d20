"""Fixture: a signed Debian archive on a loopback port, and a runtime whose apt knows it."""

import hashlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import pytest

from au2.oci.spec.image import append_layers
from au2.oci.spec.platform import find_platform
from au2.oci.tar.writer import bytes_entry, with_parents
from au2.stores.content.images import load_image, save_image, save_layer
from au2.stores.content.protocol import IngesterProvider
from tests.support.network.web_folder import WebFolder

SUITE = "teststable"
_KEYRING = "etc/apt/keyrings/test.gpg"
_SOURCES = f"deb [signed-by=/{_KEYRING}] https://deb.debian.org/debian {SUITE} main\n"


@dataclass(slots=True)
class DebianArchiveServer:
    """Packages of a test. ``publish`` makes them known."""

    folder: Path
    web: WebFolder
    architecture: str = field(default_factory=lambda: find_platform().architecture)
    entries: dict[str, str] = field(default_factory=dict)
    """Paragraph of the index by the path of the package's file."""
    homes: list[Path] = field(default_factory=list)
    """Folders of gpg, one for each key; the last one signs."""

    @property
    def mirrors(self) -> Mapping[str, str]:
        """Address by release, as the operator's sources name it."""
        return {SUITE: self.web.url}

    def add(
        self,
        name: str,
        version: str = "1.0",
        *,
        files: Mapping[str, str] | None = None,
        postinst: str = "",
        fields: str = "",
    ) -> str:
        """Build a package; return the path of its file in the archive.

        Args:
            name: of the package.
            version: of the package.
            files: content by absolute path.
            postinst: shell commands that run after its files are there.
            fields: further lines of its control file.
        """
        root = self.folder / f"{name}_{version}"
        for path, text in (files or {}).items():
            file = root / path.strip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o755)
        control = (
            f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
            f"Maintainer: t <t@example.org>\n{fields}Description: of a test\n"
        )
        scripts = root / "DEBIAN"
        scripts.mkdir(parents=True)
        (scripts / "control").write_text(control)
        if postinst:
            (scripts / "postinst").write_text(f"#!/bin/sh\nset -e\n{postinst}\n")
            (scripts / "postinst").chmod(0o755)
        built = self.folder / "built.deb"
        command = ("dpkg-deb", "--root-owner-group", "-Znone", "--build", root, built)
        subprocess.run(command, check=True, capture_output=True)
        data = built.read_bytes()
        path = f"pool/{name}_{version}_all.deb"
        self.web.add(path, data)
        self.entries[path] = (
            f"{control}Filename: {path}\nSize: {len(data)}\n"
            f"SHA256: {hashlib.sha256(data).hexdigest()}\n"
        )
        return path

    def drop(self, path: str) -> None:
        """Remove a package."""
        del self.entries[path], self.web.files[path]

    def publish(self, *, more: str = "", sign: bool = True) -> None:
        """Write and sign the indexes; ``more`` are further lines of the release's file."""
        packages = "\n".join(self.entries.values()).encode()
        path = f"main/binary-{self.architecture}/Packages"
        self.web.add(f"dists/{SUITE}/{path}", packages)
        release = (
            f"Origin: test\nSuite: {SUITE}\nCodename: {SUITE}\n"
            f"Architectures: {self.architecture} all\nComponents: main\n"
            f"Date: Thu, 01 Jan 2026 00:00:00 UTC\n{more}SHA256:\n"
            f" {hashlib.sha256(packages).hexdigest()} {len(packages)} {path}\n"
        )
        (self.folder / "Release").write_text(release)
        (self.folder / "InRelease").unlink(missing_ok=True)
        if sign:
            self._gpg("--clearsign", "--output", self.folder / "InRelease", self.folder / "Release")
        else:
            shutil.copy(self.folder / "Release", self.folder / "InRelease")
        self.web.add(f"dists/{SUITE}/InRelease", (self.folder / "InRelease").read_bytes())

    def make_key(self) -> None:
        """Make the key that signs from now on."""
        # In a folder of its own: the agent of an earlier one may answer for a while.
        self.homes.append(Path(mkdtemp(prefix="gnupg-", dir=self.folder)))
        self._gpg("--passphrase", "", "--quick-generate-key", "t@example.org", "ed25519", "sign")

    def export_key(self) -> bytes:
        """Return the public key."""
        return self._gpg("--export")

    def close(self) -> None:
        """End the agents of the keys."""
        for home in self.homes:
            subprocess.run(
                ("gpgconf", "--homedir", home, "--kill", "all"), check=False, capture_output=True
            )

    def _gpg(self, *arguments: str | Path) -> bytes:
        done = subprocess.run(
            ("gpg", "--batch", "--quiet", "--homedir", self.homes[-1], *arguments),
            check=True,
            capture_output=True,
        )
        return done.stdout


def put_archive_into(blobs: IngesterProvider, runtime_digest: str, key: bytes) -> str:
    """Return the runtime with the test's archive as its only source of packages."""
    entries = [
        bytes_entry("etc/apt/sources.list", _SOURCES.encode()),
        bytes_entry(_KEYRING, key),
    ]
    layer = save_layer(blobs, with_parents(entries))
    runtime = load_image(blobs, runtime_digest)
    return save_image(blobs, *append_layers(runtime.manifest, runtime.config, [layer]))


@pytest.fixture
def debian_archive(
    web_folder: WebFolder,
) -> Iterator[DebianArchiveServer]:
    """An empty archive with a key."""
    # An agent of gpg listens in the folder, and paths of sockets are short.
    with TemporaryDirectory(prefix="au2-debs-") as folder:
        made = DebianArchiveServer(Path(folder), web_folder)
        made.make_key()
        yield made
        made.close()
