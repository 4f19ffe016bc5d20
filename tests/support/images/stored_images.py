"""Small images in a backend: their blobs and rows, uploads and garbage collection."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, insert, select

from au2.app.maintenance.garbage_collection import GarbageCollection, GCOptions, GCReport
from au2.app.uploads.package_begin import OpenUpload
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Actor
from au2.domain.ids import make_guid
from au2.domain.jobs.container_contract import Language
from au2.domain.processes.version import BuiltImage, ImageStatus
from au2.oci.spec import media_types
from au2.oci.spec.config import ImageConfig
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.manifest import Descriptor, Manifest
from au2.stores.content.images import load_image, save_image
from au2.stores.database import tables, versions
from tests.support.servers.backend import OPERATOR, Backend, creation, frame

DAY = 86_400.0
WISHES = GCOptions(grace_seconds=DAY, unused_seconds=90 * DAY)


@dataclass
class Layers:
    """Unpacked layers without an engine: size in bytes by name."""

    sizes: dict[str, int] = field(default_factory=dict)

    def list_layers(self) -> Iterator[str]:
        return iter(self.sizes)

    def layer_bytes(self, name: str) -> int | None:
        return self.sizes.get(name)

    def unused_layer_bytes(self, name: str, *, older_than_seconds: float) -> int | None:
        assert older_than_seconds == DAY
        return self.sizes[name]

    def remove_unused_layer(self, name: str, *, older_than_seconds: float) -> int | None:
        assert older_than_seconds == DAY
        return self.sizes.pop(name)


@dataclass
class StoredImages:
    """Maker of small images, with the rows that name them, in a backend without an engine."""

    backend: Backend
    context: Context
    layers: Layers = field(default_factory=Layers)

    @property
    def actor(self) -> Actor:
        """The operator, who may do everything."""
        return self.backend.actor(OPERATOR)

    def put(self, data: bytes) -> str:
        with self.backend.blobs.writer() as writer:
            writer.write(data)
            return writer.commit()

    def image(self, name: str) -> str:
        """Save a small image, different for each name."""
        layer = f"layer of {name}".encode()
        diff_id = self.put(layer)
        config = ImageConfig(architecture="amd64", diff_ids=(diff_id,))
        config_data = config.to_bytes()
        manifest = Manifest(
            Descriptor(media_types.CONFIG, sha256_of(config_data), len(config_data)),
            (Descriptor(media_types.LAYER_TAR, diff_id, len(layer)),),
        )
        return save_image(self.backend.blobs, manifest, config)

    def blobs_of(self, digest: str) -> set[str]:
        manifest = load_image(self.backend.blobs, digest).manifest
        return {digest, manifest.config.digest, *(layer.digest for layer in manifest.layers)}

    def version(self, image: str, process: str | None = None) -> tuple[str, int]:
        """Make a version that has an image."""
        process_id = process or self.backend.process(self.context)
        number = self.backend.version(process_id, ImageStatus.BUILDING)
        with self.backend.database.write() as transaction:
            present = versions.find_version(transaction, process_id, number)
            assert present is not None
            versions.change_image_status(
                transaction, present, ImageStatus.AVAILABLE, image=BuiltImage(image)
            )
        return process_id, number

    def runtime(self, image: str, runtime_id: str | None = None) -> str:
        return self.backend.services.runtimes.register_build(
            runtime_id=runtime_id or make_guid(),
            name="Python",
            language=Language.PYTHON,
            first_version=1,
            image_digest=image,
            recipe_digest=image,
        ).id

    def row(self, table: str, **values: object) -> None:
        with self.backend.database.write() as transaction:
            transaction.execute(insert(tables.metadata.tables[table]).values(**values))

    def count(self, table: str) -> int:
        with self.backend.database.read() as transaction:
            query = select(func.count()).select_from(tables.metadata.tables[table])
            return int(transaction.execute(query).scalar_one())

    def make_old(self) -> None:
        """Let two days pass for all blobs, and for the clock."""
        then = time.time() - 2 * DAY
        for folder in ("sha256/??", "incoming", "partial"):
            for path in (self.backend.folder / "blobs").glob(f"{folder}/*"):
                os.utime(path, (then, then))
        self.backend.clock.move(days=2)

    def collect(self, wishes: GCOptions = WISHES) -> GCReport:
        backend = self.backend
        return GarbageCollection(
            backend.database, backend.blobs, self.layers, backend.logs, backend.clock
        ).run(wishes)

    def present(self) -> set[str]:
        return set(self.backend.blobs.list_digests())

    def file_of(self, digest: str) -> Path:
        """Where the bytes of a blob are."""
        digits = digest.removeprefix("sha256:")
        return self.backend.folder / "blobs" / "sha256" / digits[:2] / digits

    def upload(self, files: dict[str, bytes], runtime: str) -> OpenUpload:
        begun = self.backend.services.upload_starter.begin(
            self.actor, self.context, creation(files, runtime)
        )
        assert isinstance(begun, OpenUpload)
        actor = self.actor
        with self.backend.services.uploads.receive(
            actor, begun.upload.id, begun.upload.fencing_token
        ) as receiver:
            for content in files.values():
                receiver.feed(frame(content))
            self.backend.services.uploads.finish_receiving(actor, begun.upload.id, receiver)
        return begun

    def finish(self, begun: OpenUpload, image: str) -> None:
        """Let the version of an upload have its image."""
        upload = begun.upload
        self.backend.services.uploads.complete(self.actor, upload.id, upload.fencing_token)
        with self.backend.database.write() as transaction:
            present = versions.find_version(transaction, upload.process_id, upload.version_number)
            assert present is not None
            versions.change_image_status(
                transaction, present, ImageStatus.AVAILABLE, image=BuiltImage(image)
            )
