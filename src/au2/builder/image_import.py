"""Images that people made elsewhere: read once, every layer, and judged."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from au2.blobs.base import BlobStore
from au2.blobs.images import load_image
from au2.domain.errors import InvalidImage
from au2.oci.decompress import decompressed
from au2.oci.image import Image
from au2.oci.layer import LayerLimits, read_layer
from au2.oci.streams import Readable

_CHECK_EVERY = 1000
"""Members between two looks whether to go on."""


@dataclass(frozen=True, slots=True)
class KnownLayer:
    """What is in a layer's blob."""

    diff_id: str
    size_bytes: int
    """Uncompressed."""


@dataclass(frozen=True, slots=True)
class ImportLimits:
    """How much an image may be."""

    layers: int = 127
    """As many as Docker takes."""
    image_bytes: int = 64 << 30
    """Uncompressed size of all layers together."""


@dataclass(frozen=True, slots=True)
class ImportRun:
    """What an import is given beside the image."""

    architecture: str
    """Of this platform, as images name it: ``amd64`` …"""
    limits: ImportLimits
    known: Mapping[str, KnownLayer]
    """Layers that were judged before, by the digest of their blob."""
    note: Callable[[str, KnownLayer], None]
    """Told each layer that was judged now: the digest of its blob, and what is in it."""
    log: Callable[[str], None]
    check: Callable[[], None]
    """Raises when the import is to end."""


def import_image(blobs: BlobStore, manifest_digest: str, run: ImportRun) -> int:
    """Judge an image whose blobs are all in the store; return its uncompressed size in bytes.

    A layer that came compressed is kept in that form alone, and found under its diff_id too.

    Raises:
        InvalidImage: it is not for this platform, damaged, unsafe, or over a limit.
        BlobMissing, DigestMismatch: a blob is missing or damaged.
    """
    image = load_image(blobs, manifest_digest)
    run.log(f"Image {manifest_digest}")
    _check_platform(image, run.architecture)
    layers = image.manifest.layers
    if len(layers) > run.limits.layers:
        raise InvalidImage(
            f"the image has {len(layers)} layers; at most {run.limits.layers} can be run"
        )
    total_bytes = 0
    for number, (layer, diff_id) in enumerate(
        zip(layers, image.config.diff_ids, strict=True), start=1
    ):
        where = f"Layer {number} of {len(layers)}, {layer.size_bytes} bytes"
        found = run.known.get(layer.digest)
        if found is not None and found.diff_id == diff_id and blobs.contains(layer.digest):
            run.log(f"{where}: known")
        else:
            found = _judge(blobs, layer.digest, diff_id, run, run.limits.image_bytes - total_bytes)
            run.log(f"{where}: checked, {found.size_bytes} bytes unpacked")
            run.note(layer.digest, found)
        if layer.digest != diff_id and blobs.find_compressed(diff_id) is None:
            blobs.keep_compressed(diff_id, found.size_bytes, compressed=layer.digest)
        total_bytes += found.size_bytes
    return total_bytes


def _check_platform(image: Image, architecture: str) -> None:
    config = image.config
    # Some tools leave it out; Docker takes such an image for one of its own platform.
    if (config.os or "linux", config.architecture or architecture) != ("linux", architecture):
        raise InvalidImage(
            f"the image is for {config.os}/{config.architecture}, "
            f"and this server runs linux/{architecture}"
        )


def _judge(
    blobs: BlobStore, digest: str, diff_id: str, run: ImportRun, most_bytes: int
) -> KnownLayer:
    """Read a layer to its end: is it what the image says, and is everything in it safe?"""
    with blobs.open(digest) as blob:
        is_raw = digest == diff_id
        # A compressed archive under its own digest as diff_id is a lie: it is read as it is.
        counted = _CountedReader(blob if is_raw else decompressed(blob), has_digest=not is_raw)
        limits = LayerLimits(stream_bytes=most_bytes)
        for number, _ in enumerate(read_layer(counted, limits, must_end=False)):
            if number % _CHECK_EVERY == 0:
                run.check()
    if counted.digest not in (None, diff_id):
        raise InvalidImage(f"a layer does not have the diff_id that the image says: {diff_id}")
    return KnownLayer(diff_id, counted.size_bytes)


class _CountedReader:
    """Passes an uncompressed layer on; counts it, and computes its digest if that tells anything.

    A layer that came uncompressed is its own blob, whose digest is checked while it is read.
    """

    def __init__(self, stream: Readable, *, has_digest: bool) -> None:
        self._stream = stream
        self._hash = hashlib.sha256() if has_digest else None
        self.size_bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self.size_bytes += len(data)
        if self._hash is not None:
            self._hash.update(data)
        return data

    @property
    def digest(self) -> str | None:
        return None if self._hash is None else f"sha256:{self._hash.hexdigest()}"
