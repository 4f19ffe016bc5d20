"""Import of an image version's image: checked, and unpacked."""

from collections.abc import Mapping
from dataclasses import dataclass

from au2.dispatcher.disk_space import DiskSpace
from au2.dispatcher.job_records import BuildContext, JobRecords
from au2.domain.errors import BlobMissing, StorageFull
from au2.domain.processes.runtime import CheckedLayer
from au2.domain.processes.upload import ImageUpload
from au2.domain.processes.version import BuiltImage
from au2.domain.wording import format_bytes, format_bytes_apart
from au2.engines.protocol import Engine
from au2.images.image_import import ImportLimits, ImportRun, KnownLayer, import_image, keep_packed
from au2.oci.spec.platform import Platform
from au2.stores.content.images import load_image
from au2.stores.content.protocol import IngesterProvider
from au2.stores.database.content.layers import find_checked_layers, put_checked_layer


@dataclass(frozen=True, slots=True)
class ImageImporter:
    """Importer of images; one instance for all."""

    engine: Engine
    blobs: IngesterProvider
    records: JobRecords
    platform: Platform
    """Of this machine."""
    limits: ImportLimits
    disk_space: DiskSpace
    """Of the file system where layers are unpacked."""

    def make(self, work: BuildContext, upload: ImageUpload) -> BuiltImage:
        """Return an upload's image, checked and unpacked on this engine.

        Unpacking comes before the version is AVAILABLE: layers fine one by one may not fit on each
        other, and the first job should start as quickly as all others.

        Raises:
            InvalidImage: wrong platform, damaged, unsafe, or over a limit.
            BlobMissing, DigestMismatch: a blob is gone.
            StorageFull: the disk is full.
        """
        digest = upload.manifest_digest
        if digest is None:
            raise BlobMissing
        image = load_image(self.blobs, digest)
        with self.records.database.read() as transaction:
            known = find_checked_layers(
                transaction, {layer.digest for layer in image.manifest.layers}
            )
        new: dict[str, KnownLayer] = {}
        imported = import_image(
            self.blobs,
            digest,
            ImportRun(
                platform=self.platform,
                limits=self.limits,
                known={d: KnownLayer(la.diff_id, la.size_bytes) for d, la in known.items()},
                note=new.__setitem__,
                log=work.log,
                check=work.check,
            ),
        )
        self._ensure_space(sum(layer.size_bytes for layer in new.values()))
        work.begin_phase("unpack")
        self.engine.prepare(digest, work.check)
        keep_packed(self.blobs, imported.layers)
        self._note(new)
        return BuiltImage(digest)

    def _ensure_space(self, new_bytes: int) -> None:
        free_bytes, spare_bytes = self.disk_space.free_bytes(), self.disk_space.spare_bytes()
        if new_bytes and free_bytes < new_bytes + spare_bytes:
            needed, free = format_bytes_apart(new_bytes, free_bytes)
            raise StorageFull(
                f"The image takes {needed} more when unpacked, and {free} are free, of which "
                f"{format_bytes(spare_bytes)} stay so."
            )

    def _note(self, layers: Mapping[str, KnownLayer]) -> None:
        """Keep in mind which layers are sound. Lost in a power cut, they are judged again."""
        at = self.records.clock()
        with self.records.database.write(durable=False) as transaction:
            for digest, layer in layers.items():
                checked = CheckedLayer(digest, layer.diff_id, layer.size_bytes)
                put_checked_layer(transaction, checked, at=at)
