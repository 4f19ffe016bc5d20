"""Checks of imported images: complete, for this platform, and within the limits."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from au2.domain import defaults
from au2.domain.errors import InvalidImage
from au2.domain.wording import format_bytes
from au2.oci.decompression import decompressed
from au2.oci.spec.config import ImageConfig
from au2.oci.spec.image import Image
from au2.oci.spec.manifest import Descriptor
from au2.oci.spec.platform import Platform, rank
from au2.oci.streams import CHUNK_BYTES, Readable
from au2.oci.tar.paths import MAX_NAME_BYTES, MAX_PATH_BYTES
from au2.stores.content.images import load_image
from au2.stores.content.protocol import IngesterProvider

_MOST_VOLUMES = 128
_MAX_USER_BYTES = 256


def check_config(config: ImageConfig) -> None:
    """Refuse more than any image needs, and values that no system call takes.

    Raises:
        InvalidImage: too many volumes, or a path or the user is too long.
    """
    if len(config.volumes) > _MOST_VOLUMES:
        raise InvalidImage(
            f"the image has {len(config.volumes)} volumes; at most {_MOST_VOLUMES} are supported",
            hint="Build it with fewer VOLUME lines.",
        )
    for path in config.volumes:
        _check_path(path, "a volume", "VOLUME")
    _check_path(config.working_dir, "a working directory", "WORKDIR")
    user_bytes = len(config.user.encode())
    if user_bytes > _MAX_USER_BYTES:
        raise InvalidImage(
            f"the image has a User of {user_bytes} bytes; at most {_MAX_USER_BYTES} bytes "
            "are supported",
            hint="Build it with a USER line of a name or a number.",
        )


def _check_path(path: str, what: str, line: str) -> None:
    """Raise InvalidImage for an impossible path. ``line`` is the line to fix."""
    data = path.encode()
    hint = f"Build it with a shorter path in its {line} line."
    if len(data) > MAX_PATH_BYTES:
        raise InvalidImage(
            f"the image has {what} whose path has {len(data)} bytes; at most "
            f"{MAX_PATH_BYTES} bytes are supported",
            hint=hint,
        )
    longest = max(map(len, data.split(b"/")))
    if longest > MAX_NAME_BYTES:
        raise InvalidImage(
            f"the image has {what} with a name of {longest} bytes in its path; at most "
            f"{MAX_NAME_BYTES} bytes are supported",
            hint=hint,
        )


@dataclass(frozen=True, slots=True)
class KnownLayer:
    """Content of a layer's blob, measured before."""

    diff_id: str
    size_bytes: int
    """Uncompressed."""


@dataclass(frozen=True, slots=True)
class Imported:
    """Result of an import: sizes and layers of the image."""

    size_bytes: int
    """Uncompressed size of all its layers."""
    layers: Mapping[str, KnownLayer]
    """By the digest of their blob."""


@dataclass(frozen=True, slots=True)
class ImportLimits:
    """How much an image may be."""

    layers: int = 127
    """As many as Docker takes."""
    image_bytes: int = defaults.IMAGE_BYTES
    """Uncompressed size of all layers together."""


@dataclass(frozen=True, slots=True)
class ImportRun:
    """Parameters of an import beside the image."""

    platform: Platform
    """Of this machine."""
    limits: ImportLimits
    known: Mapping[str, KnownLayer]
    """Layers that were unpacked before, by the digest of their blob."""
    note: Callable[[str, KnownLayer], None]
    """Told each layer that is new: the digest of its blob, and what is in it."""
    log: Callable[[str], None]
    check: Callable[[], None]
    """Raises when the import is to end."""


def import_image(blobs: IngesterProvider, manifest_digest: str, run: ImportRun) -> Imported:
    """Measure an image with all blobs in the store, and check its integrity.

    A compressed layer is read to its end, for its real size. An uncompressed layer was checked
    against its digest on arrival. The engine's unpacking judges the entries of the layers; then
    :func:`keep_packed` may follow. This function changes nothing.

    Raises:
        InvalidImage: wrong platform, damaged, or over a limit.
        BlobMissing, DigestMismatch: a blob is missing or damaged.
    """
    image = load_image(blobs, manifest_digest)
    run.log(f"Image {manifest_digest}")
    _check_platform(image, run.platform)
    check_config(image.config)
    if not image.config.entrypoint and not image.config.cmd:
        run.log("Warning: the image names no command, so no job can run it. Give it a CMD.")
    layers = image.manifest.layers
    if len(layers) > run.limits.layers:
        raise InvalidImage(
            f"the image has {len(layers)} layers; at most {run.limits.layers} can be run"
        )
    total_bytes, judged = 0, dict[str, KnownLayer]()
    known = dict(run.known)
    pairs = zip(layers, image.config.diff_ids, strict=True)
    for number, (layer, diff_id) in enumerate(pairs, start=1):
        found = _find_known(blobs, layer, diff_id, known)
        if found is None:
            found = _measure(blobs, layer, diff_id, run, run.limits.image_bytes - total_bytes)
            known[layer.digest] = found  # An image may name a layer many times.
            run.note(layer.digest, found)
        # The same for one that is known: another organization may have sent it, and that is nobody
        # else's business. The time that this takes still tells; docs/concepts/isolation.md says so.
        run.log(
            f"Layer {number} of {len(layers)}, {layer.size_bytes} bytes: "
            f"{found.size_bytes} bytes unpacked"
        )
        judged[layer.digest] = found
        total_bytes += found.size_bytes
    return Imported(total_bytes, judged)


def keep_packed(blobs: IngesterProvider, layers: Mapping[str, KnownLayer]) -> None:
    """Make compressed layers readable by their diff_ids, unless stored uncompressed too.

    Only for images imported as a whole and unpacked: others read the decompressed content.
    """
    for digest, layer in layers.items():
        if digest != layer.diff_id:
            blobs.keep_compressed(layer.diff_id, layer.size_bytes, compressed=digest)


def _find_known(
    blobs: IngesterProvider, layer: Descriptor, diff_id: str, known: Mapping[str, KnownLayer]
) -> KnownLayer | None:
    found = known.get(layer.digest)
    is_there = found is not None and found.diff_id == diff_id and blobs.lease(layer.digest)
    return found if is_there else None


def _check_platform(image: Image, machine: Platform) -> None:
    platform = image.config.platform
    if rank(platform, machine) is None:
        raise InvalidImage(
            f"the image is for {str(platform)[:100]}, and this server runs {machine}",
            hint=f"Build it with `--platform {machine._replace(variant='')}`.",
        )


def _measure(
    blobs: IngesterProvider, layer: Descriptor, diff_id: str, run: ImportRun, most_bytes: int
) -> KnownLayer:
    """Return the content of a layer; memory stays flat, and nothing is written."""
    size_bytes = blobs.size_bytes(layer.digest)
    if size_bytes != layer.size_bytes:
        raise InvalidImage(f"the size of the layer {layer.digest} does not match the manifest")
    if layer.digest != diff_id:
        size_bytes = _measure_unpacked(blobs, layer.digest, diff_id, run.check, most_bytes)
    if size_bytes > most_bytes:
        limit = format_bytes(run.limits.image_bytes)
        raise InvalidImage(f"the image's layers are larger than {limit} when unpacked")
    return KnownLayer(diff_id, size_bytes)


def _measure_unpacked(
    blobs: IngesterProvider, digest: str, diff_id: str, check: Callable[[], None], most_bytes: int
) -> int:
    """Decompress a layer and check its diff_id; stops over ``most_bytes``."""
    found, size_bytes = hashlib.sha256(), 0
    with blobs.open(digest) as blob:
        stream = decompressed(_Checked(blob, check))
        while size_bytes <= most_bytes and (data := stream.read(CHUNK_BYTES)):
            check()
            found.update(data)
            size_bytes += len(data)
    if size_bytes <= most_bytes and f"sha256:{found.hexdigest()}" != diff_id:
        raise InvalidImage(f"a layer does not have the diff_id that the image says: {diff_id}")
    return size_bytes


class _Checked:
    """Compressed bytes: the reading of them can be ended even while nothing comes out."""

    def __init__(self, stream: Readable, check: Callable[[], None]) -> None:
        self._stream = stream
        self._check = check

    def read(self, size: int = -1, /) -> bytes:
        self._check()
        return self._stream.read(size)
