import pytest

from au2.domain.errors import Conflict, LeaseLost
from au2.domain.upload import Upload, UploadState
from au2.domain.version import BuiltImage, ImageStatus, may_become
from au2.stores.database import versions
from au2.stores.database.content import uploads
from tests.support.world import IMAGE, OPERATOR, World, creation


@pytest.fixture
def upload(world: World) -> Upload:
    context = world.organization()
    body = creation({"main.py": b"1"}, world.runtime())
    return world.services.upload_starter.begin(world.actor(OPERATOR), context, body).upload


def find(world: World, upload: Upload) -> Upload | None:
    with world.database.read() as transaction:
        return uploads.find_upload(transaction, upload.id)


def change(world: World, upload: Upload, **fields: object) -> None:
    with world.database.write() as transaction:
        uploads.change_upload(transaction, upload, **fields)  # type: ignore[arg-type]


def test_what_is_kept_is_what_was_given(world: World, upload: Upload):
    assert find(world, upload) == upload
    with world.database.read() as transaction:
        assert uploads.find_upload_of_job(transaction, upload.job_id) == upload
        assert uploads.find_upload_of_job(transaction, upload.job_id + 1) is None


def test_an_older_fence_changes_nothing(world: World, upload: Upload):
    change(world, upload, fencing_token=upload.fencing_token + 1)
    with pytest.raises(LeaseLost):
        change(world, upload, state=UploadState.COMPLETE)
    taken_over = find(world, upload)
    assert taken_over is not None
    assert (taken_over.state, taken_over.fencing_token) == (UploadState.OPEN, 2)
    change(world, taken_over, state=UploadState.COMPLETE)


@pytest.mark.parametrize("state", [UploadState.COMPLETE, UploadState.ABANDONED])
def test_what_is_closed_stays_closed(world: World, upload: Upload, state: UploadState):
    change(world, upload, state=state)
    for wanted in UploadState:
        with pytest.raises(LeaseLost):
            change(world, upload, state=wanted)


def test_only_open_ones_whose_lease_is_over_are_abandoned(world: World, upload: Upload):
    def overdue() -> list[Upload]:
        with world.database.read() as transaction:
            return uploads.list_abandoned(transaction, at=world.clock())

    assert overdue() == []
    world.clock.move(seconds=121)
    assert overdue() == [upload]
    change(world, upload, lease_until=world.clock())
    assert overdue() == []
    change(world, upload, state=UploadState.COMPLETE)
    world.clock.move(days=1)
    assert overdue() == []


@pytest.mark.parametrize("status", ImageStatus)
@pytest.mark.parametrize("wanted", ImageStatus)
def test_the_one_door_of_an_image_status(world: World, status: ImageStatus, wanted: ImageStatus):
    process = world.process(world.organization())
    number = world.version(process, status)
    with world.database.read() as transaction:
        version = versions.find_version(transaction, process, number)
    assert version is not None

    def change_status() -> None:
        with world.database.write() as transaction:
            versions.change_image_status(transaction, version, wanted, image=BuiltImage(IMAGE))

    if may_become(status, wanted):
        change_status()
    with pytest.raises(Conflict):
        change_status()
