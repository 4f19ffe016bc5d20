"""Image upload: a session, its blobs in requests that can be resumed, then the manifest."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event
from typing import Any, Final

from au2.client.http.transport import Transport
from au2.client.http.urls import quote_segment
from au2.client.images.blobs import BLOCK_BYTES, Blob, BlobSource
from au2.domain.errors import (
    Au2Error,
    Conflict,
    LeaseLost,
    ServerUnreachable,
    UnexpectedAnswer,
)
from au2.domain.retry import RetryBudget
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
"""The most of one request, so that limits of proxies and their patience are kept to."""
_FIRST_BYTES: Final = 1 << 20
_LEAST_BYTES: Final = 256 << 10
_VERY_SHORT_SECONDS: Final = 0.25
_SHORT_SECONDS: Final = 1.0
_LONG_SECONDS: Final = 4.0


class RequestSize:
    """Grows on a fast line and shrinks on a slow one."""

    def __init__(self, most_bytes: int, clock: Callable[[], float]) -> None:
        """``clock``: monotonic, in seconds."""
        self._most_bytes = most_bytes
        self._clock = clock
        self.next_bytes = min(_FIRST_BYTES, most_bytes)
        """For the next request."""

    @contextmanager
    def timed(self, size_bytes: int) -> Iterator[None]:
        """Learn from a request of that size, unless it fails."""
        begun_at = self._clock()
        yield
        seconds = self._clock() - begun_at
        if seconds > _LONG_SECONDS:
            self.next_bytes = max(self.next_bytes // 2, min(_LEAST_BYTES, self._most_bytes))
        elif size_bytes == self.next_bytes and seconds < _SHORT_SECONDS:
            growth = 4 if seconds < _VERY_SHORT_SECONDS else 2
            self.next_bytes = min(self.next_bytes * growth, self._most_bytes)


_ANSWER_SECONDS: Final = 600.0
"""How long the server may take to store what was sent, on a slow disk."""

_LEAST_HEARTBEAT_SECONDS: Final = 0.1
"""Whatever the server asks for: signs of life are no flood."""
_MOST_HEARTBEAT_SECONDS: Final = 3600.0
"""No clock waits for ever."""
_COURTESY_SECONDS: Final = 5.0
"""How long a command that ends waits for the answer to its farewell."""
_REASON_CHARACTERS: Final = 500
"""Of a reason: it travels in the address, where each may become twelve."""


class UploadStopped(Exception):
    """Somebody does not want the blob sent any more."""


def get_upload_status(transport: Transport, process_id: str, number: int) -> ImageUploadStatus:
    """Return how it stands with a version's image.

    Raises:
        NotFound, NotPermitted: of the version.
        Conflict: it takes no image.
    """
    return parse_record(ImageUploadStatus, transport.call("GET", _image_path(process_id, number)))


def begin_image_upload(transport: Transport, process_id: str, number: int) -> ImageUploadView:
    """Begin to send an image to a version, or go on with what was begun before.

    Raises:
        NotFound, NotPermitted: of the version.
        Conflict: it has an image, or somebody else is sending one.
        StillSending: another command of the same account is.
    """
    upload = parse_record(ImageUploadView, transport.call("POST", _image_path(process_id, number)))
    heartbeat_seconds = max(upload.heartbeat_seconds, _LEAST_HEARTBEAT_SECONDS)
    return upload.replaced(heartbeat_seconds=min(heartbeat_seconds, _MOST_HEARTBEAT_SECONDS))


def abandon_image_upload(transport: Transport, session: ImageUploadView, reason: str) -> None:
    """Give an upload up; its job tells the reason, and another can begin at once."""
    path = f"/image-uploads/{quote_segment(session.id)}"
    said = reason[:_REASON_CHARACTERS]
    transport.call("DELETE", path, query={"fence": session.fence, "reason": said})


def leave_image_upload(transport: Transport, session: ImageUploadView) -> None:
    """Say that this sender ends, so that the next one need not wait for its silence."""
    path = f"/image-uploads/{quote_segment(session.id)}/leave"
    transport.call("POST", path, query={"fence": session.fence}, timeout_seconds=_COURTESY_SECONDS)


def list_missing_blobs(
    transport: Transport, session: ImageUploadView, sizes: Mapping[str, int]
) -> dict[str, int]:
    """Return which blobs (size in bytes by digest) are to be sent, and how much of each has come.

    A sign of life, too.
    """
    wanted = [BlobWanted(digest=digest, size_bytes=size) for digest, size in sizes.items()]
    document = transport.call(
        "POST",
        f"/image-uploads/{quote_segment(session.id)}/lacking",
        query={"fence": session.fence},
        document=format_request(BlobQuestion(blobs=wanted)),
    )
    found = {}
    for blob in parse_record(BlobAnswer, document).lacking:
        if blob.received_bytes > sizes.get(blob.digest, 0):
            raise UnexpectedAnswer
        found[blob.digest] = blob.received_bytes
    return found


class ImageUploadClient:
    """The session's requests, going on after cut connections. For one thread at a time."""

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
            session: that was begun.
            patience: with a server that does not answer.
            stop: once it is set, what is being sent ends with :class:`UploadStopped`, and so should
                the patience's pauses.
            piece_bytes: the most of one request.
            clock: monotonic, in seconds.
        """
        self._transport = transport
        self._session = session
        self._budget = budget
        self._stop = stop
        self._pieces = RequestSize(request_bytes, clock)
        self._path = f"/image-uploads/{quote_segment(session.id)}"

    def find_missing(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """As :func:`list_missing_blobs`, while the server is away too. Raises LeaseLost."""
        return self._budget.retry(lambda: list_missing_blobs(self._transport, self._session, sizes))

    def complete(self, manifest: bytes, media_type: str) -> JobView:
        """All blobs are there: let the import begin; return its job. Repeating is harmless."""
        return self._budget.retry(
            lambda: parse_record(
                JobView,
                self._transport.send(
                    "PUT",
                    f"{self._path}/manifest",
                    query={"fence": self._session.fence},
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
        """Send a blob from where it was cut, and return how much of it has come.

        Args:
            blob: what to send.
            received_bytes: how much of it had come.
            counted: told how many more bytes have come, as the server says.
            end_bytes: how far to send; None: all of it.

        Raises:
            DigestMismatch: it is something else than was stated.
            LeaseLost: the session is another sender's now.
            ServerUnreachable: for too long.
        """
        end = blob.size_bytes if end_bytes is None else end_bytes
        offset, is_whole = received_bytes, False
        # All bytes may have come and not be checked yet: a piece without any brings that about.
        while not is_whole and (offset < end or end == blob.size_bytes):
            try:
                reached, is_whole = self._send_piece(blob, offset, end)
            except LeaseLost:
                raise
            except (ServerUnreachable, Conflict) as error:
                reached, is_whole = self._find_again(blob, error)
            if reached > offset:
                counted(reached - offset)
            if reached > offset or is_whole:
                self._budget.note_progress()
            offset = reached
        return offset

    def _send_piece(self, blob: Blob, offset: int, end: int) -> tuple[int, bool]:
        size = min(self._pieces.next_bytes, end - offset)
        with self._pieces.timed(size):
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
                "fence": self._session.fence,
                "offset": offset,
                "size": blob.size_bytes,
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

    def _find_again(self, blob: Blob, error: Au2Error) -> tuple[int, bool]:
        """After a failure, ask where to go on, as long as there is patience."""
        sizes = {blob.digest: blob.size_bytes}
        lacking = self._budget.retry_after(
            error, lambda: list_missing_blobs(self._transport, self._session, sizes)
        )
        if blob.digest not in lacking:
            return blob.size_bytes, True
        return lacking[blob.digest], False


def _image_path(process_id: str, number: int) -> str:
    return f"/processes/{quote_segment(process_id)}/versions/{number}/image"
