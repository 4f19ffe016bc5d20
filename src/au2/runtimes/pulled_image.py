"""Image of a registry, pulled into the content store as the source of a runtime."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from au2.domain.errors import DigestMismatch, InvalidImage, RuntimeBuildFailed
from au2.oci.decompression import LARGE_WINDOW_BYTES, decompressed
from au2.oci.registry_client.registry import Registry
from au2.oci.spec.config import ImageConfig, parse_config
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.oci.spec.image import check_layers_agree
from au2.oci.spec.index import choose_image, parse_index
from au2.oci.spec.manifest import Descriptor, Manifest, parse_manifest
from au2.oci.spec.platform import Platform, rank
from au2.oci.spec.reference import Reference, parse_reference
from au2.oci.streams import CHUNK_BYTES
from au2.runtimes.layers import RuntimeLayer
from au2.stores.content.protocol import IngesterProvider

OpenRegistry = Callable[[str], AbstractContextManager[Registry]]
"""Opens a registry by its name, with the operator's settings for it."""
_MOST_LAYER_BYTES = 64 << 30


@dataclass(frozen=True, slots=True)
class PulledImage:
    """An image whose layers are in the content store."""

    digest: str
    """Digest of the manifest for this machine's platform."""
    config: ImageConfig
    """Without layers, entry point, command, user and volumes: a runtime has its own."""
    layers: tuple[RuntimeLayer, ...]


def pull_image(
    text: str,
    blobs: IngesterProvider,
    *,
    platform: Platform,
    open_registry: OpenRegistry,
    progress: Callable[[str], None],
) -> PulledImage:
    """Pull the image ``text`` for ``platform``; stored layers are not fetched again.

    Raises:
        RuntimeBuildFailed: the image is not usable, or does not have the stated digests.
        RegistryFailure: the registry does not serve the image.
        StorageFull: the disk is full.
    """
    reference = parse_reference(text)
    try:
        with open_registry(reference.registry) as registry:
            return _pull(reference, registry, blobs, platform, progress)
    except (InvalidImage, DigestMismatch) as error:
        raise RuntimeBuildFailed(f"The image {text} is not usable: {error.message}") from error


def _pull(
    reference: Reference,
    registry: Registry,
    blobs: IngesterProvider,
    platform: Platform,
    progress: Callable[[str], None],
) -> PulledImage:
    manifest, digest = _read_manifest(reference, registry, platform)
    progress(f"Image {reference.registry}/{reference.repository}@{digest}")
    config = _read_config(reference, registry, manifest.config)
    check_layers_agree(manifest, config)
    if rank(config.platform, platform) is None:
        raise InvalidImage(f"it is for {str(config.platform)[:100]}, not for {platform}")
    layers = []
    for number, (layer, diff_id) in enumerate(zip(manifest.layers, config.diff_ids, strict=True)):
        progress(f"Layer {number + 1} of {len(manifest.layers)}, {layer.size_bytes} bytes")
        size_bytes = _fetch_layer(reference, registry, layer, diff_id, blobs)
        layers.append(
            RuntimeLayer(diff_id, size_bytes, f"{reference.repository} layer {number + 1}")
        )
    plain = replace(
        config,
        entrypoint=(),
        cmd=(),
        user="",
        working_dir="",
        stop_signal="",
        volumes=(),
        diff_ids=(),
        history=(),
    )
    return PulledImage(digest, plain, tuple(layers))


def _read_manifest(
    reference: Reference, registry: Registry, platform: Platform
) -> tuple[Manifest, str]:
    data, digest = registry.read_manifest(reference.repository, reference.target)
    try:
        return parse_manifest(data), digest
    except InvalidImage:
        entries = parse_index(data) if b'"manifests"' in data else None
        if entries is None:
            raise

    def platform_of(descriptor: Descriptor) -> Platform:
        data, _ = registry.read_manifest(reference.repository, descriptor.digest)
        return _read_config(reference, registry, parse_manifest(data).config).platform

    chosen = choose_image(entries, platform, platform_of)
    data, digest = registry.read_manifest(reference.repository, chosen.digest)
    return parse_manifest(data), digest


def _read_config(reference: Reference, registry: Registry, descriptor: Descriptor) -> ImageConfig:
    if descriptor.size_bytes > MAX_DOCUMENT_BYTES:
        raise InvalidImage(f"its configuration has more than {MAX_DOCUMENT_BYTES} bytes")
    with registry.open_blob(reference.repository, descriptor) as blob:
        return parse_config(blob.read())


def _fetch_layer(
    reference: Reference,
    registry: Registry,
    layer: Descriptor,
    diff_id: str,
    blobs: IngesterProvider,
) -> int:
    """Store a layer as the uncompressed bytes that ``diff_id`` names; return their number."""
    if blobs.lease(diff_id):
        return blobs.size_bytes(diff_id)
    with (
        registry.open_blob(reference.repository, layer) as blob,
        blobs.writer(digest=diff_id) as writer,
    ):
        plain = decompressed(blob, window_bytes=LARGE_WINDOW_BYTES)
        while data := plain.read(CHUNK_BYTES):
            writer.write(data)
            if writer.size_bytes > _MOST_LAYER_BYTES:
                raise InvalidImage(f"a layer has more than {_MOST_LAYER_BYTES} bytes")
        writer.commit()
        return writer.size_bytes
