"""Blob uploader: skips the server's blobs, and sends one while the next is read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from threading import Event, Thread
from typing import Final

from au2.client.http.transport import Transport
from au2.client.images.blobs import BLOCK_BYTES, Blob, BytesSource, pass_over
from au2.client.images.upload import ImageUploadClient, list_missing_blobs
from au2.domain.errors import Au2Error, DigestMismatch, InvalidImage, LeaseLost
from au2.oci.streams import Readable
from au2.wire.upload import ImageUploadView

_WINDOW_BYTES: Final = 16 << 20
"""Bytes of a stream in memory, twice, to be sent again after a cut connection."""
_AGAIN_SECONDS: Final = 0.25
"""Pause before a heartbeat is repeated: a restarted server must soon know active senders."""


class UploadProgressSink:
    """Receiver of an upload's progress, called from any thread. This base class does nothing."""

    def expect(self, size_bytes: int) -> None:
        """Set the size of all blobs together, where known."""

    def read(self, size_bytes: int) -> None:
        """Count bytes of a layer read ahead, and sent later or not at all."""

    def begin(self, blob_bytes: int, received_bytes: int) -> None:
        """Note the first request of a blob, of which the server has ``received_bytes`` already."""

    def advance(self, size_bytes: int) -> None:
        """Count bytes confirmed by the server."""

    def skip(self, blob_bytes: int) -> None:
        """Count a blob already on the server."""


class BlobUploader:
    """Sender of blobs, in a thread beside the reader of the archive."""

    def __init__(
        self, upload: ImageUploadClient | None, progress: UploadProgressSink, *, stop: Event
    ) -> None:
        """Take ``upload`` (None: no blob is missing, so none is sent) and its ``stop``."""
        self.progress = progress
        self._upload = upload
        self._stop = stop
        self._offered: set[str] = set()
        self._thread: Thread | None = None
        self._failure: BaseException | None = None

    def offer(self, blobs: Sequence[Blob]) -> None:
        """Send the missing ones of these blobs; returns when all blobs before are sent.

        A blob offered before is passed over. Raises the error of the blobs before.
        """
        new = [blob for blob in blobs if self._is_new(blob.digest)]
        for blob in blobs:
            if blob not in new:
                blob.source.close()
        if new:
            self._run_beside(lambda: self._deliver(new))

    def stream(self, digest: str, size_bytes: int, content: Readable) -> None:
        """Send a blob, if missing, while reading from ``content``."""
        if not self._is_new(digest):
            return
        self.finish()
        missing = self._find_missing({digest: size_bytes})
        if digest not in missing or self._upload is None:
            self.progress.skip(size_bytes)
            return
        blob = _StreamedBlob(digest, size_bytes, missing[digest])
        self.progress.begin(size_bytes, missing[digest])
        for window in blob.read_windows(content):
            send = partial(blob.send, window, self._upload, self.progress)
            self._run_beside(send)
        self.finish()

    def _is_new(self, digest: str) -> bool:
        if digest in self._offered:
            return False
        self._offered.add(digest)
        return True

    def _run_beside(self, task: Callable[[], object]) -> None:
        """Run ``task`` in a thread after the one before. Raises the other's error."""
        self.finish()
        # A daemon: a command that is interrupted must not wait for an answer.
        self._thread = Thread(target=self._guard, args=(task,), daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait until all offered blobs are sent. Raises their first error."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stop sending; received bytes stay. The transport is free afterwards."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _guard(self, task: Callable[[], object]) -> None:
        try:
            task()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            self._failure = error

    def _find_missing(self, sizes: Mapping[str, int]) -> dict[str, int]:
        return {} if self._upload is None else self._upload.find_missing(sizes)

    def _deliver(self, blobs: Sequence[Blob]) -> None:
        missing = self._find_missing({blob.digest: blob.size_bytes for blob in blobs})
        for blob in blobs:
            try:
                if blob.digest in missing and self._upload is not None:
                    self._send(self._upload, blob, missing[blob.digest])
                else:
                    self.progress.skip(blob.size_bytes)
            finally:
                blob.source.close()

    def _send(self, upload: ImageUploadClient, blob: Blob, received_bytes: int) -> None:
        self.progress.begin(blob.size_bytes, received_bytes)
        try:
            upload.send(blob, received_bytes, self.progress.advance)
        except DigestMismatch as error:
            if not received_bytes:
                raise damaged(blob.digest) from error
            # The part received before may have been damaged; the server has dropped it.
            self._send(upload, blob, 0)


class _StreamedBlob:
    """A blob readable once: each window is held until the server confirms its bytes."""

    def __init__(self, digest: str, size: int, received_bytes: int) -> None:
        self._digest = digest
        self._size = size
        self._reached = received_bytes
        self._resumed = received_bytes > 0

    def read_windows(self, content: Readable) -> Iterator[BytesSource]:
        """Yield the rest of the blob, window by window; the last one may be empty."""
        pass_over(content, self._reached)
        position, is_last = self._reached, False
        while not is_last:
            window = BytesSource(_read_window(content), position)
            position = window.end_bytes
            is_last = position >= self._size
            yield window

    def send(
        self, window: BytesSource, upload: ImageUploadClient, progress: UploadProgressSink
    ) -> None:
        """Send a window, unless the server has its bytes. Raises InvalidImage."""
        if window.end_bytes <= self._reached < self._size:
            return
        blob = Blob(self._digest, self._size, window)
        try:
            self._reached = upload.send(
                blob, self._reached, progress.advance, end_bytes=window.end_bytes
            )
        except DigestMismatch as error:
            failure = damaged(self._digest)
            if self._resumed:
                failure.hint = "Give the same command again: the first part may have been at fault."
            raise failure from error


def _read_window(content: Readable) -> bytes:
    blocks, size = [], 0
    while size < _WINDOW_BYTES and (data := content.read(min(BLOCK_BYTES, _WINDOW_BYTES - size))):
        blocks.append(data)
        size += len(data)
    return b"".join(blocks)


def damaged(digest: str) -> InvalidImage:
    """Return the error for a blob with another digest than stated."""
    return InvalidImage(
        f"the archive is damaged: the content of {digest} has another digest",
        hint="Save the image again, and upload the new archive.",
    )


class Heartbeat:
    """Heartbeats of an upload while nothing is sent: `docker save` may pause for minutes."""

    def __init__(self, transport: Transport, session: ImageUploadView) -> None:
        """Take a transport for this thread alone."""
        self._transport = transport
        self._session = session
        self._end = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        """Begin."""
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        """End, without waiting for a request under way."""
        self._end.set()

    def join(self) -> None:
        """Wait until heartbeats have ended: on exit, or because the lease was lost."""
        self._thread.join()

    def _run(self) -> None:
        heartbeat_seconds = self._session.heartbeat_seconds
        pause = heartbeat_seconds
        while not self._end.wait(pause):
            try:
                list_missing_blobs(self._transport, self._session, {})
                pause = heartbeat_seconds
            except LeaseLost:
                break
            except Au2Error:
                # The sender's own request fails too, and tells the user.
                pause = min(_AGAIN_SECONDS, heartbeat_seconds)
        self._transport.close()
