"""Media types of the OCI image specification, and Docker's older ones for the same bytes."""

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER_TAR = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"

NONDISTRIBUTABLE_TAR = "application/vnd.oci.image.layer.nondistributable.v1.tar"
NONDISTRIBUTABLE_GZIP = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
NONDISTRIBUTABLE_ZSTD = "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER_TAR = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_LAYER_ZSTD = "application/vnd.docker.image.rootfs.diff.tar.zstd"
"""As BuildKit writes it for images that are not to have OCI's types."""
DOCKER_FOREIGN_TAR = "application/vnd.docker.image.rootfs.foreign.diff.tar"
DOCKER_FOREIGN_GZIP = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"

MANIFESTS = frozenset({MANIFEST, DOCKER_MANIFEST})
INDEXES = frozenset({INDEX, DOCKER_INDEX})
CONFIGS = frozenset({CONFIG, DOCKER_CONFIG})
PLAIN_LAYERS = frozenset({LAYER_TAR, DOCKER_LAYER_TAR, NONDISTRIBUTABLE_TAR, DOCKER_FOREIGN_TAR})
ZSTD_LAYERS = frozenset({LAYER_ZSTD, DOCKER_LAYER_ZSTD, NONDISTRIBUTABLE_ZSTD})
COMPRESSED_LAYERS = ZSTD_LAYERS | {
    *(LAYER_GZIP, DOCKER_LAYER_GZIP, NONDISTRIBUTABLE_GZIP, DOCKER_FOREIGN_GZIP)
}
LAYERS = PLAIN_LAYERS | COMPRESSED_LAYERS
FOREIGN_LAYERS = frozenset(
    {
        *(NONDISTRIBUTABLE_TAR, NONDISTRIBUTABLE_GZIP, NONDISTRIBUTABLE_ZSTD),
        *(DOCKER_FOREIGN_TAR, DOCKER_FOREIGN_GZIP),
    }
)
"""Layers that tools leave out when they push or save, for lack of a licence. Where their bytes are
there, they are layers like others."""

_OCI_NAMES = {
    DOCKER_MANIFEST: MANIFEST,
    DOCKER_INDEX: INDEX,
    DOCKER_CONFIG: CONFIG,
    DOCKER_LAYER_TAR: LAYER_TAR,
    DOCKER_LAYER_GZIP: LAYER_GZIP,
    DOCKER_LAYER_ZSTD: LAYER_ZSTD,
    DOCKER_FOREIGN_TAR: NONDISTRIBUTABLE_TAR,
    DOCKER_FOREIGN_GZIP: NONDISTRIBUTABLE_GZIP,
}


def oci_name(media_type: str) -> str:
    """Return the OCI name of a media type, which for Docker's names means the same bytes."""
    return _OCI_NAMES.get(media_type, media_type)
