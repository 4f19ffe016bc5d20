"""Image upload: a session, its blobs in resumable requests, then the manifest."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event
from typing import Any, Final

from au2.client.http.transport import Transport
from au2.client.http.urls import quote_segment
from au2.client.images.blobs import BLOCK_BYTES, Blob, BlobSource
from au2.domain.errors import Au2Error, Conflict, LeaseLost, ServerUnreachable, UnexpectedAnswer
from au2.domain.network_retry import RetryBudget
from au2.wire.documents import format_request, parse_record
from au2.wire.job import JobView
from au2.wire.upload import (
    BLOB_MEDIA_TYPE,
    BlobAnswer,
    BlobProgress,
    BlobQuestion,
    BlobWanted,
    ImageUploadStatus,
    ImageUploadView,
)

MOST_REQUEST_BYTES: Final = 64 << 20
"""Largest request, within the size and time limits of proxies."""
_FIRST_BYTES: Final = 1 << 20
_LEAST_BYTES: Final = 256 << 10
_VERY_SHORT_SECONDS: Final = 0.25
_SHORT_SECONDS: Final = 1.0
_LONG_SECONDS: Final = 4.0


class RequestSize:
    """Size of the next request for a blob: about a second's worth of bytes.

    Progress is known only from responses, so large requests on a slow connection would show none
    for minutes; on a fast one they cost less than small requests.
    """

    def __init__(self, most_bytes: int, clock: Callable[[], float]) -> None:
        """Take a monotonic clock, in seconds."""
        self._most_bytes = most_bytes
        self._clock = clock
        self.next_bytes = min(_FIRST_BYTES, most_bytes)
        """Size of the next request."""

    @contextmanager
    def timed(self, size_bytes: int) -> Iterator[None]:
        """Adapt to the duration of a request of that size, unless the request fails."""
        begun_at = self._clock()
        yield
        seconds = self._clock() - begun_at
        if seconds > _LONG_SECONDS:
            self.next_bytes = max(self.next_bytes // 2, min(_LEAST_BYTES, self._most_bytes))
        elif size_bytes == self.next_bytes and seconds < _SHORT_SECONDS:
            growth = 4 if seconds < _VERY_SHORT_SECONDS else 2
            self.next_bytes = min(self.next_bytes * growth, self._most_bytes)


_ANSWER_SECONDS: Final = 600.0
"""Timeout of a response: the server stores the content first, perhaps on a slow disk."""

_LEAST_HEARTBEAT_SECONDS: Final = 0.1
"""Shortest interval, whatever the server says."""
_MOST_HEARTBEAT_SECONDS: Final = 3600.0
"""Longest interval, within every clock's range."""
_COURTESY_SECONDS: Final = 5.0
"""Timeout of the request with which a command ends its upload."""
_REASON_CHARACTERS: Final = 500
"""Limit of a reason: in the URL, each character may become twelve."""


class UploadStopped(Exception):
    """The upload was interrupted on this machine."""


def get_upload_status(transport: Transport, process_id: str, number: int) -> ImageUploadStatus:
    """Return the status of a version's image.

    Raises:
        NotFound, NotPermitted: of the version.
        Conflict: the version takes no image.
    """
    return parse_record(ImageUploadStatus, transport.call("GET", _image_path(process_id, number)))


def begin_image_upload(transport: Transport, process_id: str, number: int) -> ImageUploadView:
    """Begin to send an image to a version, or resume an upload of the same account.

    Raises:
        NotFound, NotPermitted: of the version.
        Conflict: the version has an image, or another account is sending one.
        StillSending: another command of the same account is.
    """
    upload = parse_record(ImageUploadView, transport.call("POST", _image_path(process_id, number)))
    heartbeat_seconds = max(upload.heartbeat_seconds, _LEAST_HEARTBEAT_SECONDS)
    return upload.replaced(heartbeat_seconds=min(heartbeat_seconds, _MOST_HEARTBEAT_SECONDS))


def abandon_image_upload(transport: Transport, session: ImageUploadView, reason: str) -> None:
    """Abandon an upload; its job records the reason, and another can begin at once."""
    path = f"/image-uploads/{quote_segment(session.id)}"
    said = reason[:_REASON_CHARACTERS]
    transport.call("DELETE", path, query={"fencing_token": session.fencing_token, "reason": said})


def leave_image_upload(transport: Transport, session: ImageUploadView) -> None:
    """End this sender on the server, so that the next one need not wait."""
    path = f"/image-uploads/{quote_segment(session.id)}/leave"
    transport.call(
        "POST",
        path,
        query={"fencing_token": session.fencing_token},
        timeout_seconds=_COURTESY_SECONDS,
    )


def list_missing_blobs(
    transport: Transport, session: ImageUploadView, sizes: Mapping[str, int]
) -> dict[str, int]:
    """Return the received bytes of each missing blob among ``sizes`` (bytes by digest).

    Renews the lease.
    """
    wanted = [BlobWanted(digest=digest, size_bytes=size) for digest, size in sizes.items()]
    document = transport.call(
        "POST",
        f"/image-uploads/{quote_segment(session.id)}/missing",
        query={"fencing_token": session.fencing_token},
        document=format_request(BlobQuestion(blobs=wanted)),
    )
    found = {}
    for blob in parse_record(BlobAnswer, document).missing:
        if blob.received_bytes > sizes.get(blob.digest, 0):
            raise UnexpectedAnswer
        found[blob.digest] = blob.received_bytes
    return found


class ImageUploadClient:
    """Requests of one image upload, resumed after cut connections. Not thread-safe."""

    def __init__(
        self,
        transport: Transport,
        session: ImageUploadView,
        budget: RetryBudget,
        *,
        stop: Event,
        request_bytes: int = MOST_REQUEST_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin.

        Args:
            transport: for one thread at a time.
            session: the upload.
            budget: retries while the server does not answer.
            stop: once set, sending ends with :class:`UploadStopped`, and so should the pauses of
                the budget.
            request_bytes: largest request.
            clock: monotonic, in seconds.
        """
        self._transport = transport
        self._session = session
        self._budget = budget
        self._stop = stop
        self._request_size = RequestSize(request_bytes, clock)
        self._path = f"/image-uploads/{quote_segment(session.id)}"

    def find_missing(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """As :func:`list_missing_blobs`, with retries. Raises LeaseLost."""
        return self._budget.retry(lambda: list_missing_blobs(self._transport, self._session, sizes))

    def complete(self, manifest: bytes, media_type: str) -> JobView:
        """Send the manifest after all blobs; return the import's job. Idempotent."""
        return self._budget.retry(
            lambda: parse_record(
                JobView,
                self._transport.send(
                    "PUT",
                    f"{self._path}/manifest",
                    query={"fencing_token": self._session.fencing_token},
                    body=[manifest],
                    size_bytes=len(manifest),
                    media_type=media_type,
                    timeout_seconds=_ANSWER_SECONDS,
                ),
            )
        )

    def send(
        self,
        blob: Blob,
        received_bytes: int,
        counted: Callable[[int], None],
        *,
        end_bytes: int | None = None,
    ) -> int:
        """Send a blob from an offset on; return its received bytes.

        Args:
            blob: the blob.
            received_bytes: offset to begin at.
            counted: called with the number of bytes that the server confirmed.
            end_bytes: offset to end at; None: the whole blob.

        Raises:
            DigestMismatch: the bytes have another digest than stated.
            LeaseLost: another sender took over.
            ServerUnreachable: for too long.
        """
        end = blob.size_bytes if end_bytes is None else end_bytes
        offset, is_whole = received_bytes, False
        # All bytes may have come and not be checked yet: an empty request starts the check.
        while not is_whole and (offset < end or end == blob.size_bytes):
            try:
                reached, is_whole = self._send_request(blob, offset, end)
            except LeaseLost:
                raise
            except (ServerUnreachable, Conflict) as error:
                reached, is_whole = self._find_offset(blob, error)
            if reached > offset:
                counted(reached - offset)
            if reached > offset or is_whole:
                self._budget.note_progress()
            offset = reached
        return offset

    def _send_request(self, blob: Blob, offset: int, end: int) -> tuple[int, bool]:
        size = min(self._request_size.next_bytes, end - offset)
        with self._request_size.timed(size):
            document = self._patch(blob, offset, size)
        progress = parse_record(BlobProgress, document)
        reached = progress.received_bytes
        if reached > blob.size_bytes or (reached <= offset and not progress.is_whole):
            raise UnexpectedAnswer
        return reached, progress.is_whole

    def _patch(self, blob: Blob, offset: int, size: int) -> Any:
        return self._transport.send(
            "PATCH",
            f"{self._path}/blobs/{quote_segment(blob.digest)}",
            query={
                "fencing_token": self._session.fencing_token,
                "offset_bytes": offset,
                "size_bytes": blob.size_bytes,
            },
            body=self._read(blob.source, offset, size),
            size_bytes=size,
            media_type=BLOB_MEDIA_TYPE,
            timeout_seconds=_ANSWER_SECONDS,
        )

    def _read(self, source: BlobSource, offset: int, size: int) -> Iterator[bytes]:
        stream = source.open(offset)
        while size:
            if self._stop.is_set():
                raise UploadStopped
            try:
                data = stream.read(min(size, BLOCK_BYTES))
            except OSError as error:
                # While a request is sent, an OSError would be taken for the connection's.
                raise Au2Error(f"The archive can't be read: {error.strerror or error}.") from error
            if not data:
                raise Au2Error("The archive became shorter while it was sent.")
            size -= len(data)
            yield data

    def _find_offset(self, blob: Blob, error: Au2Error) -> tuple[int, bool]:
        """Return the offset to go on from after a failure, within the retry budget."""
        sizes = {blob.digest: blob.size_bytes}
        lacking = self._budget.retry_after(
            error, lambda: list_missing_blobs(self._transport, self._session, sizes)
        )
        if blob.digest not in lacking:
            return blob.size_bytes, True
        return lacking[blob.digest], False


def _image_path(process_id: str, number: int) -> str:
    return f"/processes/{quote_segment(process_id)}/versions/{number}/image"
