"""Garbage collection and bytes that are no blob yet: all are told, what nobody sends goes."""

from hashlib import sha256

import pytest

from au2.app.maintenance.garbage_collection import GCOptions, GCReport, ResourceKind
from au2.domain.ids import make_guid
from au2.domain.processes.upload import Upload
from au2.domain.processes.version import ImageStatus
from tests.support.images.stored_images import DAY, StoredImages

LAYER = b"a layer " * 1000
DIGEST = f"sha256:{sha256(LAYER).hexdigest()}"
PLAN = GCOptions(grace_seconds=DAY, unused_seconds=90 * DAY, plan=True)


def lines(report: GCReport) -> list[tuple[bool, str, int | None]]:
    return [
        (line.goes, line.why, line.size_bytes)
        for line in report.lines()
        if line.kind is ResourceKind.UNFINISHED
    ]


def begin(stored_images: StoredImages, process: str) -> Upload:
    number = stored_images.backend.version(process, ImageStatus.NONE)
    return stored_images.backend.services.image_uploads.begin(
        stored_images.actor, process, number
    ).upload


def send_half(stored_images: StoredImages, upload: Upload) -> None:
    receiver = stored_images.backend.services.image_uploads.receive(
        stored_images.actor,
        upload.id,
        upload.fencing_token,
        DIGEST,
        size_bytes=len(LAYER),
        offset_bytes=0,
    )
    receiver.feed(LAYER[:4000])
    receiver.close()


@pytest.fixture
def process(stored_images: StoredImages) -> str:
    return stored_images.backend.process(stored_images.context)


def test_pieces_of_an_image_go_as_soon_as_nobody_sends_it(
    stored_images: StoredImages, process: str
) -> None:
    upload = begin(stored_images, process)
    send_half(stored_images, upload)
    assert lines(stored_images.collect()) == [(False, "an upload under way", 4000)]

    stored_images.backend.services.image_uploads.abandon(
        stored_images.actor, upload.id, upload.fencing_token
    )
    assert lines(stored_images.collect(PLAN)) == [(True, "its upload has ended", 4000)]
    assert lines(stored_images.collect()) == [(True, "its upload has ended", 4000)]
    assert lines(stored_images.collect()) == []


def test_an_upload_without_a_sign_of_life_keeps_nothing(
    stored_images: StoredImages, process: str
) -> None:
    send_half(stored_images, begin(stored_images, process))
    stored_images.backend.clock.move(minutes=10)
    assert lines(stored_images.collect()) == [(True, "its upload has ended", 4000)]


def test_another_upload_to_the_process_goes_on_with_its_pieces(
    stored_images: StoredImages, process: str
) -> None:
    upload = begin(stored_images, process)
    send_half(stored_images, upload)
    stored_images.backend.services.image_uploads.abandon(
        stored_images.actor, upload.id, upload.fencing_token
    )
    again = begin(stored_images, process)
    assert lines(stored_images.collect()) == [(False, "an upload under way", 4000)]
    lacking = stored_images.backend.services.image_uploads.find_missing(
        stored_images.actor, again.id, again.fencing_token, {DIGEST: len(LAYER)}
    )
    assert lacking == {DIGEST: 4000}


def test_pieces_of_a_registry_client_go_with_their_row(stored_images: StoredImages) -> None:
    ids = [make_guid(), make_guid()]
    stored_images.row(
        "blob_uploads",
        id=ids[0],
        organization_id=stored_images.context.organization_id,
        repository="base",
        user_id=stored_images.backend.operator.user_id,
        created_at=stored_images.backend.clock(),
    )
    for name in ids:
        with stored_images.backend.blobs.resume(name) as part:
            part.write(LAYER)
    assert lines(stored_images.collect()) == [
        (True, "its upload has ended", len(LAYER)),
        (False, "an upload under way", len(LAYER)),
    ]
    stored_images.make_old()
    assert lines(stored_images.collect()) == [(True, "nothing was added to it", len(LAYER))]


def test_what_a_writer_has_written_is_told_and_stays_while_it_is_young(
    stored_images: StoredImages,
) -> None:
    with stored_images.backend.blobs.writer() as writer:
        writer.write(b"x" * (1 << 20))
        with stored_images.backend.blobs.resume("of-an-older-au2") as part:
            part.write(LAYER)
        total = (1 << 20) + len(LAYER)
        assert lines(stored_images.collect()) == [(False, "younger than the grace time", total)]
        stored_images.make_old()
        assert lines(stored_images.collect(PLAN)) == [(True, "nothing was added to it", total)]


def test_all_bytes_of_the_store_are_accounted_for(
    stored_images: StoredImages, process: str
) -> None:
    stored_images.version(stored_images.image("one"))
    stored_images.put(b"lonely")
    send_half(stored_images, begin(stored_images, process))
    files = [path for path in (stored_images.backend.folder / "blobs").rglob("*") if path.is_file()]
    told = sum(line.size_bytes or 0 for line in stored_images.collect(PLAN).lines())
    assert told == sum(path.stat().st_size for path in files)
