"""What the store knows of an image's layers once an import has ended well, and before."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from au2.dispatcher.disk_space import DiskSpace, FreeSpace
from au2.dispatcher.image_importer import ImageImporter
from au2.dispatcher.job_records import BuildContext, JobRecords, Timeline
from au2.domain.errors import InvalidImage
from au2.domain.processes.version import ImageStatus
from au2.engines.native.options import NativeOptions
from au2.engines.native.rootfs.layers import LayerStore
from au2.engines.protocol import Engine
from au2.execution.termination import JobControl
from au2.images.image_import import ImportLimits
from au2.oci.spec.platform import AMD64
from au2.stores.content.images import load_image
from au2.stores.database.content.uploads import find_upload_of_job
from tests.support.images.busybox import digest_of
from tests.support.images.image_making import GZIP, Layer, OddImage, odd_image
from tests.support.servers.backend import OPERATOR, Backend, open_backend


@dataclass(frozen=True, slots=True)
class Unpacking:
    """The part of the engine that unpacks."""

    backend: Backend

    def prepare(self, image_digest: str, check: Callable[[], None]) -> None:
        """Unpack an image's layers."""
        blobs = self.backend.blobs
        store = LayerStore(blobs, self.backend.folder / "layers", NativeOptions())
        store.ensure_image(load_image(blobs, image_digest), check)


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    with open_backend(tmp_path) as backend:
        yield backend


def take_in(backend: Backend, image: OddImage) -> list[str]:
    """Import an image for a new version, as the dispatcher does; return the log."""
    process = backend.process(backend.organization())
    number = backend.version(process, ImageStatus.NONE)
    pushed = backend.services.image_uploads
    digest = image.save(backend.blobs)
    claim = backend.claim(pushed.import_pushed(backend.actor(OPERATOR), process, number, digest).id)
    with backend.database.read() as transaction:
        upload = find_upload_of_job(transaction, claim.job.id)
    assert upload is not None
    records = JobRecords(backend.database, backend.notices, backend.clock)
    lines: list[str] = []
    work = BuildContext(claim, JobControl(), Timeline(backend.clock), lines.append, records)
    check = ImageImporter(
        engine=cast(Engine, Unpacking(backend)),
        blobs=backend.blobs,
        records=records,
        platform=AMD64,
        limits=ImportLimits(),
        disk_space=DiskSpace(lambda: FreeSpace(1 << 40, 1 << 40, 1 << 40)),
    )
    check.make(work, upload)
    return lines


def test_a_compressed_layer_is_found_under_its_raw_digest(backend: Backend) -> None:
    layer = Layer().add("file", content=b"content").data()
    take_in(backend, odd_image(layer, packing=GZIP))
    assert backend.blobs.read_bytes(digest_of(layer), limit_bytes=1 << 20) == layer
    assert digest_of(layer) not in list(backend.blobs.list_digests())


def test_an_import_that_fails_leaves_nothing_to_be_found(backend: Backend) -> None:
    """Each layer is what the image says, but one of them can't be unpacked."""
    sound = Layer().add("file", content=b"content").data()
    unsafe = Layer().hard_link("inside", "../../outside").data()
    with pytest.raises(InvalidImage):
        take_in(backend, odd_image(sound, unsafe, packing=GZIP))
    assert list(backend.blobs.list_compressed()) == []
    assert not backend.blobs.contains(digest_of(sound))


def test_the_raw_layer_that_is_there_stays_the_one_that_is_read(backend: Backend) -> None:
    """Others have it, and what they read does not hang on how somebody compresses."""
    layer = Layer().add("file", content=b"content").data()
    odd_image(layer).save(backend.blobs)
    take_in(backend, odd_image(layer, packing=GZIP))
    assert digest_of(layer) in list(backend.blobs.list_digests())
    assert backend.blobs.find_compressed(digest_of(layer)) is None
