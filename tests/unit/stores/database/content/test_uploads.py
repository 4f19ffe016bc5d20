import pytest

from au2.domain.errors import Conflict, LeaseLost
from au2.domain.processes.upload import Upload, UploadState
from au2.domain.processes.version import BuiltImage, ImageStatus, may_become
from au2.stores.database import versions
from au2.stores.database.content import uploads
from tests.support.servers.backend import IMAGE, OPERATOR, Backend, creation


@pytest.fixture
def upload(backend: Backend) -> Upload:
    context = backend.organization()
    body = creation({"main.py": b"1"}, backend.runtime())
    return backend.services.upload_starter.begin(backend.actor(OPERATOR), context, body).upload


def find(backend: Backend, upload: Upload) -> Upload | None:
    with backend.database.read() as transaction:
        return uploads.find_upload(transaction, upload.id)


def change(backend: Backend, upload: Upload, **fields: object) -> None:
    with backend.database.write() as transaction:
        uploads.change_upload(transaction, upload, **fields)  # type: ignore[arg-type]


def test_what_is_kept_is_what_was_given(backend: Backend, upload: Upload):
    assert find(backend, upload) == upload
    with backend.database.read() as transaction:
        assert uploads.find_upload_of_job(transaction, upload.job_id) == upload
        assert uploads.find_upload_of_job(transaction, upload.job_id + 1) is None


def test_an_older_fence_changes_nothing(backend: Backend, upload: Upload):
    change(backend, upload, fencing_token=upload.fencing_token + 1)
    with pytest.raises(LeaseLost):
        change(backend, upload, state=UploadState.COMPLETE)
    taken_over = find(backend, upload)
    assert taken_over is not None
    assert (taken_over.state, taken_over.fencing_token) == (UploadState.OPEN, 2)
    change(backend, taken_over, state=UploadState.COMPLETE)


@pytest.mark.parametrize("state", [UploadState.COMPLETE, UploadState.ABANDONED])
def test_what_is_closed_stays_closed(backend: Backend, upload: Upload, state: UploadState):
    change(backend, upload, state=state)
    for wanted in UploadState:
        with pytest.raises(LeaseLost):
            change(backend, upload, state=wanted)


def test_only_open_ones_whose_lease_is_over_are_abandoned(backend: Backend, upload: Upload):
    def overdue() -> list[Upload]:
        with backend.database.read() as transaction:
            return uploads.list_abandoned(transaction, at=backend.clock())

    assert overdue() == []
    backend.clock.move(seconds=121)
    assert overdue() == [upload]
    change(backend, upload, lease_until=backend.clock())
    assert overdue() == []
    change(backend, upload, state=UploadState.COMPLETE)
    backend.clock.move(days=1)
    assert overdue() == []


@pytest.mark.parametrize("status", ImageStatus)
@pytest.mark.parametrize("wanted", ImageStatus)
def test_the_one_door_of_an_image_status(
    backend: Backend, status: ImageStatus, wanted: ImageStatus
):
    process = backend.process(backend.organization())
    number = backend.version(process, status)
    with backend.database.read() as transaction:
        version = versions.find_version(transaction, process, number)
    assert version is not None

    def change_status() -> None:
        with backend.database.write() as transaction:
            versions.change_image_status(transaction, version, wanted, image=BuiltImage(IMAGE))

    if may_become(status, wanted):
        change_status()
    with pytest.raises(Conflict):
        change_status()
