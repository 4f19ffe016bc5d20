"""Garbage collection and bytes that are no blob yet: all are told, what nobody sends goes."""

from hashlib import sha256

import pytest

from au2.app.maintenance.garbage_collection import GCOptions, GCReport, ResourceKind
from au2.domain.ids import make_guid
from au2.domain.upload import Upload
from au2.domain.version import ImageStatus
from tests.support.house import DAY, House

LAYER = b"a layer " * 1000
DIGEST = f"sha256:{sha256(LAYER).hexdigest()}"
PLAN = GCOptions(grace_seconds=DAY, unused_seconds=90 * DAY, plan=True)


def lines(report: GCReport) -> list[tuple[bool, str, int | None]]:
    return [
        (line.goes, line.why, line.size_bytes)
        for line in report.lines()
        if line.kind is ResourceKind.UNFINISHED
    ]


def begin(house: House, process: str) -> Upload:
    number = house.world.version(process, ImageStatus.NONE)
    return house.world.services.image_uploads.begin(house.actor, process, number).upload


def send_half(house: House, upload: Upload) -> None:
    receiver = house.world.services.image_uploads.receive(
        house.actor, upload.id, upload.fencing_token, DIGEST, size_bytes=len(LAYER), offset_bytes=0
    )
    receiver.feed(LAYER[:4000])
    receiver.close()


@pytest.fixture
def process(house: House) -> str:
    return house.world.process(house.context)


def test_pieces_of_an_image_go_as_soon_as_nobody_sends_it(house: House, process: str) -> None:
    upload = begin(house, process)
    send_half(house, upload)
    assert lines(house.collect()) == [(False, "an upload under way", 4000)]

    house.world.services.image_uploads.abandon(house.actor, upload.id, upload.fencing_token)
    assert lines(house.collect(PLAN)) == [(True, "its upload has ended", 4000)]
    assert lines(house.collect()) == [(True, "its upload has ended", 4000)]
    assert lines(house.collect()) == []


def test_an_upload_without_a_sign_of_life_keeps_nothing(house: House, process: str) -> None:
    send_half(house, begin(house, process))
    house.world.clock.move(minutes=10)
    assert lines(house.collect()) == [(True, "its upload has ended", 4000)]


def test_another_upload_to_the_process_goes_on_with_its_pieces(house: House, process: str) -> None:
    upload = begin(house, process)
    send_half(house, upload)
    house.world.services.image_uploads.abandon(house.actor, upload.id, upload.fencing_token)
    again = begin(house, process)
    assert lines(house.collect()) == [(False, "an upload under way", 4000)]
    lacking = house.world.services.image_uploads.find_lacking(
        house.actor, again.id, again.fencing_token, {DIGEST: len(LAYER)}
    )
    assert lacking == {DIGEST: 4000}


def test_pieces_of_a_registry_client_go_with_their_row(house: House) -> None:
    ids = [make_guid(), make_guid()]
    house.row(
        "blob_uploads",
        id=ids[0],
        organization_id=house.context.organization_id,
        repository="base",
        user_id=house.world.operator.user_id,
        created_at=house.world.clock(),
    )
    for name in ids:
        with house.world.blobs.resume(name) as part:
            part.write(LAYER)
    assert lines(house.collect()) == [
        (True, "its upload has ended", len(LAYER)),
        (False, "an upload under way", len(LAYER)),
    ]
    house.make_old()
    assert lines(house.collect()) == [(True, "nothing was added to it", len(LAYER))]


def test_what_a_writer_has_written_is_told_and_stays_while_it_is_young(house: House) -> None:
    with house.world.blobs.writer() as writer:
        writer.write(b"x" * (1 << 20))
        with house.world.blobs.resume("of-an-older-au2") as part:
            part.write(LAYER)
        total = (1 << 20) + len(LAYER)
        assert lines(house.collect()) == [(False, "younger than the grace time", total)]
        house.make_old()
        assert lines(house.collect(PLAN)) == [(True, "nothing was added to it", total)]


def test_all_bytes_of_the_store_are_accounted_for(house: House, process: str) -> None:
    house.version(house.image("one"))
    house.put(b"lonely")
    send_half(house, begin(house, process))
    files = [path for path in (house.world.folder / "blobs").rglob("*") if path.is_file()]
    told = sum(line.size_bytes or 0 for line in house.collect(PLAN).lines())
    assert told == sum(path.stat().st_size for path in files)
