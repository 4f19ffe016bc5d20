"""Odd images made by hand: layers entry by entry, for a blob store and as an archive for Docker."""

import gzip
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backports import zstd

from au2.stores.content.filesystem import FileContentStore
from tests.support.images.busybox import SmallImage, digest_of

_CONFIG = "application/vnd.oci.image.config.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
AMD64_TOLD: Mapping[str, str] = {"architecture": "amd64", "os": "linux"}
PLAIN, GZIP, ZSTD = "", "+gzip", "+zstd"
"""How a layer is packed: what its media type ends in."""


class Layer:
    """A layer written entry by entry."""

    def __init__(self, form: int = tarfile.PAX_FORMAT) -> None:
        self._out = io.BytesIO()
        self._archive = tarfile.open(fileobj=self._out, mode="w", format=form)  # noqa: SIM115

    def add(self, name: str, kind: bytes = tarfile.REGTYPE, **values: object) -> "Layer":
        """Add an entry; ``content`` apart, values are those of TarInfo."""
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = kind, 0o755 if kind == tarfile.DIRTYPE else 0o644
        content = values.pop("content", b"")
        assert isinstance(content, bytes)
        entry.size = len(content)
        for key, value in values.items():
            setattr(entry, key, value)
        self._archive.addfile(entry, io.BytesIO(content))
        return self

    def folder(self, name: str, **values: object) -> "Layer":
        """Add a folder."""
        return self.add(name, tarfile.DIRTYPE, **values)

    def link(self, name: str, target: str, **values: object) -> "Layer":
        """Add a symbolic link."""
        return self.add(name, tarfile.SYMTYPE, linkname=target, **values)

    def hard_link(self, name: str, target: str) -> "Layer":
        """Add another name of a file."""
        return self.add(name, tarfile.LNKTYPE, linkname=target)

    def data(self) -> bytes:
        """Return the archive, to which nothing can be added any more."""
        self._archive.close()
        return self._out.getvalue()


@dataclass(frozen=True, slots=True)
class OddImage:
    """An image: uncompressed layers, lowest first, and how it is run."""

    layers: tuple[bytes, ...]
    run: Mapping[str, Any] = field(default_factory=dict)
    """The ``config`` object of the image configuration."""
    platform: Mapping[str, str] = field(default_factory=lambda: AMD64_TOLD)
    """What its configuration tells of it."""
    packing: str = PLAIN
    """How the layers are kept in a blob store. Docker is given them uncompressed."""

    @property
    def config(self) -> bytes:
        """The configuration's bytes."""
        document = {
            **self.platform,
            "config": dict(self.run),
            "rootfs": {"type": "layers", "diff_ids": [digest_of(layer) for layer in self.layers]},
        }
        return json.dumps(document).encode()

    @property
    def id(self) -> str:
        """How Docker calls it."""
        return digest_of(self.config)

    def save(self, blobs: FileContentStore) -> str:
        """Put it into a blob store; return the manifest's digest."""
        packed = [_pack(layer, self.packing) for layer in self.layers]
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "config": _describe(_CONFIG, self.config),
                "layers": [_describe(_LAYER + self.packing, layer) for layer in packed],
            }
        ).encode()
        found = {digest_of(data): data for data in (*packed, self.config, manifest)}
        return SmallImage(digest_of(manifest), found).save(blobs)

    def docker_archive(self) -> bytes:
        """Return what ``docker load`` takes."""
        paths = [f"{number}.tar" for number in range(len(self.layers))]
        listed = [{"Config": "config.json", "RepoTags": None, "Layers": paths}]
        layers = dict(zip(paths, self.layers, strict=True))
        archive = Layer()
        archive.add("config.json", content=self.config)
        archive.add("manifest.json", content=json.dumps(listed).encode())
        for path, data in layers.items():
            archive.add(path, content=data)
        return archive.data()


def odd_image(*layers: Layer | bytes, packing: str = PLAIN, **run: Any) -> OddImage:
    """Return an image of these layers; ``run`` is its configuration's ``config`` object."""
    made = tuple(layer.data() if isinstance(layer, Layer) else layer for layer in layers)
    return OddImage(made, run, packing=packing)


def shell(script: str) -> Sequence[str]:
    """Return the command that runs a script in an image with busybox."""
    return ("/bin/sh", "-c", script)


def _describe(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def _pack(layer: bytes, packing: str) -> bytes:
    match packing:
        case "+gzip":
            return gzip.compress(layer, mtime=0)
        case "+zstd":
            return zstd.compress(layer)
        case _:
            return layer
