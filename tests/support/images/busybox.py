"""Fixture: a small image (Debian's static busybox) for tests that run containers.

It is put together with the standard library only, so that it also tests our own readers.
"""

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

BUSYBOX = Path("/usr/bin/busybox")
_DIRECTORIES = ("bin", "dev", "etc", "home", "proc", "root", "run", "sys", "tmp", "usr", "var")
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True, slots=True)
class SmallImage:
    """An image in memory."""

    manifest_digest: str
    blobs: Mapping[str, bytes]

    def save(self, store: Any) -> str:
        """Put all blobs into a blob store and return the manifest's digest."""
        for digest, data in self.blobs.items():
            with store.writer(digest=digest, size_bytes=len(data)) as writer:
                writer.write(data)
                writer.commit()
        return self.manifest_digest


def digest_of(data: bytes) -> str:
    """Return the digest of ``data`` as images name it."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def make_layer(files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    """Return a layer with these executable files and symbolic links."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        parents = {str(p) for name in (*files, *(links or {})) for p in Path(name).parents}
        for name in sorted({*_DIRECTORIES, *parents} - {"."}):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            archive.addfile(entry)
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
        for name, target in sorted((links or {}).items()):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return out.getvalue()


def make_image(
    layers: Sequence[bytes],
    *,
    command: Sequence[str] = ("/bin/sh",),
    **config: Any,
) -> SmallImage:
    """Return an image of uncompressed layers; ``config`` is added to its ``config`` object."""
    document = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/bin:/usr/bin"], "Cmd": list(command), **config},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer) for layer in layers]},
    }
    config_bytes = json.dumps(document).encode()

    def describe(media_type: str, data: bytes) -> dict[str, Any]:
        return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}

    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": describe(_CONFIG, config_bytes),
            "layers": [describe(_LAYER, layer) for layer in layers],
        }
    ).encode()
    blobs = {digest_of(data): data for data in (*layers, config_bytes, manifest)}
    return SmallImage(digest_of(manifest), blobs)


@pytest.fixture(scope="session")
def busybox_layer() -> bytes:
    """A root file system: busybox and a link for each of its commands."""
    applets = subprocess.run([BUSYBOX, "--list"], capture_output=True, check=True, text=True)
    links = {f"bin/{name}": "busybox" for name in applets.stdout.split() if name != "busybox"}
    accounts = b"root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n"
    return make_layer({"bin/busybox": BUSYBOX.read_bytes(), "etc/passwd": accounts}, links)


@pytest.fixture(scope="session")
def busybox_image(busybox_layer: bytes) -> SmallImage:
    """An image of it whose command is a shell."""
    return make_image([busybox_layer])
