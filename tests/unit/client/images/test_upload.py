"""Sending the blobs of an image: in requests of fitting size, resumed after every failure."""

from threading import Event

import pytest

from au2.client.http.transport import Transport
from au2.client.images.blobs import Blob, BytesSource
from au2.client.images.upload import (
    MOST_REQUEST_BYTES,
    ImageUploadClient,
    RequestSize,
    UploadStopped,
    abandon_image_upload,
    begin_image_upload,
    get_upload_status,
    list_missing_blobs,
)
from au2.domain.errors import Conflict, DigestMismatch, LeaseLost, ServerUnreachable
from au2.wire.documents import format_document
from tests.support.images.busybox import digest_of
from tests.unit.client.api import PROCESS, Answer, Api
from tests.unit.client.image_server import (
    ABANDON,
    EMPTY,
    LACKING,
    SESSION,
    SESSION_VIEW,
    ImageServer,
)
from tests.unit.client.passing_time import PassingTime

MIB = 1 << 20


class Line:
    """Takes time for what is sent, of a clock of its own."""

    def __init__(self, bytes_per_second: float) -> None:
        self.bytes_per_second = bytes_per_second
        self.moment = 0.0

    def send(self, pieces: RequestSize, times: int) -> list[int]:
        sizes = []
        for _ in range(times):
            sizes.append(pieces.next_bytes)
            with pieces.timed(pieces.next_bytes):
                self.moment += pieces.next_bytes / self.bytes_per_second
        return sizes


def test_a_fast_line_gets_the_largest_soon() -> None:
    line = Line(2000 * MIB)
    sizes = line.send(RequestSize(MOST_REQUEST_BYTES, lambda: line.moment), 5)
    assert sizes == [MIB, 4 * MIB, 16 * MIB, 64 * MIB, 64 * MIB]


@pytest.mark.parametrize("mebibytes_per_second", [0.2, 1, 6, 30])
def test_a_piece_takes_a_second_or_some(mebibytes_per_second: float) -> None:
    line = Line(mebibytes_per_second * MIB)
    last = line.send(RequestSize(MOST_REQUEST_BYTES, lambda: line.moment), 10)[-1]
    assert 1 <= last / line.bytes_per_second <= 4


def test_a_line_that_slows_down_gets_smaller_ones() -> None:
    line = Line(2000 * MIB)
    pieces = RequestSize(MOST_REQUEST_BYTES, lambda: line.moment)
    line.send(pieces, 5)
    line.bytes_per_second = MIB
    assert line.send(pieces, 7)[-1] <= 4 * MIB


def test_what_is_asked_for_is_the_most() -> None:
    line = Line(2000 * MIB)
    assert line.send(RequestSize(4096, lambda: line.moment), 3) == [4096] * 3


def test_the_short_end_of_a_blob_says_nothing() -> None:
    pieces = RequestSize(MOST_REQUEST_BYTES, lambda: 0.0)
    with pieces.timed(10):
        pass
    assert pieces.next_bytes == MIB


DATA = bytes(range(256)) * 40
SIZE = len(DATA)


@pytest.fixture
def server(api: Api) -> ImageServer:
    return ImageServer(api)


@pytest.fixture
def time() -> PassingTime:
    return PassingTime()


@pytest.fixture
def upload(transport: Transport, time: PassingTime) -> ImageUploadClient:
    session = SESSION_VIEW
    return ImageUploadClient(transport, session, time.budget(), stop=Event(), request_bytes=4096)


def blob(data: bytes = DATA, digest: str | None = None) -> Blob:
    return Blob(digest or digest_of(data), len(data), BytesSource(data))


def test_a_session_is_what_the_contract_says(
    server: ImageServer, api: Api, transport: Transport
) -> None:
    assert format_document(get_upload_status(transport, PROCESS, 4)) == EMPTY
    api.requests.clear()

    session = begin_image_upload(transport, PROCESS, 4)
    lacking = list_missing_blobs(transport, session, {digest_of(DATA): SIZE})
    abandon_image_upload(transport, session, "The archive is cut off." * 30)

    assert format_document(session) == SESSION
    assert lacking == {digest_of(DATA): 0}
    assert [request.query.get("fencing_token") for request in api.requests] == [None, "7", "7"]
    assert api.asked()[-1] == ABANDON
    assert api.requests[-1].query["reason"] == ("The archive is cut off." * 30)[:500]


def test_a_blob_goes_in_pieces(server: ImageServer, upload: ImageUploadClient) -> None:
    counted: list[int] = []

    assert upload.send(blob(), 0, counted.append) == SIZE

    assert server.blobs == {digest_of(DATA): DATA}
    assert [request.query["offset_bytes"] for request in server.pieces] == ["0", "4096", "8192"]
    assert {request.query["size_bytes"] for request in server.pieces} == {str(SIZE)}
    assert sum(counted) == SIZE


def test_an_empty_blob_is_sent(server: ImageServer, upload: ImageUploadClient) -> None:
    upload.send(blob(b""), 0, lambda _: None)

    assert server.blobs == {digest_of(b""): b""}
    assert len(server.pieces) == 1


def test_it_goes_on_where_an_earlier_command_was(
    server: ImageServer, upload: ImageUploadClient
) -> None:
    server.parts[digest_of(DATA)] = DATA[:5000]
    counted: list[int] = []

    upload.send(blob(), 5000, counted.append)

    assert server.blobs == {digest_of(DATA): DATA}
    assert sum(counted) == SIZE - 5000


@pytest.mark.parametrize("fault", ["half", "deaf", "away", "busy", "lost"])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_it_goes_on_where_the_server_says(
    server: ImageServer, upload: ImageUploadClient, time: PassingTime, fault: str, at: int
) -> None:
    server.faults = [None] * at + [fault, fault]

    upload.send(blob(), 0, lambda _: None)

    assert server.blobs == {digest_of(DATA): DATA}
    # A connection that is there again at once is no outage.
    assert bool(time.outages) == (fault in {"away", "lost"})


def test_an_outage_is_told_once(
    server: ImageServer, upload: ImageUploadClient, time: PassingTime
) -> None:
    server.faults = ["away"] * 5

    upload.send(blob(), 0, lambda _: None)

    assert time.outages == [pytest.approx(119.9)]
    assert time.pauses == [0.1, 0.2, 0.4, 0.8, 1.6]


@pytest.mark.parametrize(("fault", "error"), [("away", ServerUnreachable), ("busy", Conflict)])
def test_patience_ends_after_two_minutes_without_progress(
    server: ImageServer,
    upload: ImageUploadClient,
    time: PassingTime,
    fault: str,
    error: type[Exception],
) -> None:
    server.faults = [None] + [fault] * 1000

    with pytest.raises(error):
        upload.send(blob(), 0, lambda _: None)

    assert time.moment == pytest.approx(120)
    assert max(time.pauses) == 5


def test_progress_gives_all_the_patience_back(
    server: ImageServer, upload: ImageUploadClient, time: PassingTime
) -> None:
    server.faults = (["away"] * 20 + [None]) * 3

    upload.send(blob(), 0, lambda _: None)

    assert time.moment > 200
    assert len(time.outages) == 3


def test_questions_and_the_manifest_outlast_an_outage_too(
    server: ImageServer, api: Api, upload: ImageUploadClient, time: PassingTime
) -> None:
    real = api.routes[LACKING]
    assert callable(real)
    turns = iter([True, True])
    api.routes[LACKING] = lambda request: Answer(cut=True) if next(turns, False) else real(request)

    assert upload.find_missing({digest_of(DATA): SIZE}) == {digest_of(DATA): 0}
    assert upload.complete(b"{}", "application/json").id == 12
    assert time.outages == [pytest.approx(119.9)]
    assert (server.manifest, server.media_type) == (b"{}", "application/json")


def test_who_lost_the_session_ends_at_once(
    server: ImageServer, upload: ImageUploadClient, time: PassingTime
) -> None:
    server.faults = ["lease"]

    with pytest.raises(LeaseLost, match="Somebody took over"):
        upload.send(blob(), 0, lambda _: None)

    assert time.pauses == []


def test_another_content_is_told(server: ImageServer, upload: ImageUploadClient) -> None:
    with pytest.raises(DigestMismatch):
        upload.send(blob(digest=digest_of(b"other")), 0, lambda _: None)


def test_it_can_be_stopped(server: ImageServer, transport: Transport, time: PassingTime) -> None:
    stop = Event()
    session = SESSION_VIEW
    upload = ImageUploadClient(transport, session, time.budget(), stop=stop, request_bytes=4096)

    with pytest.raises(UploadStopped):
        upload.send(blob(), 0, lambda _: stop.set())

    assert digest_of(DATA) not in server.blobs


def test_a_window_before_the_present_one_can_not_be_sent_again(
    server: ImageServer, upload: ImageUploadClient
) -> None:
    server.parts[digest_of(DATA)] = DATA[:5000]
    server.faults = ["lost"]
    window = Blob(digest_of(DATA), SIZE, BytesSource(DATA[5000:9000], 5000))

    with pytest.raises(ServerUnreachable) as caught:
        upload.send(window, 5000, lambda _: None, end_bytes=9000)

    assert "can't be read again" in str(caught.value)
