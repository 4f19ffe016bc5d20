"""An image's blobs on their way: what the server has is skipped; one is sent while one is read."""

from collections.abc import Callable, Mapping, Sequence
from threading import Event, Thread
from typing import Final, Protocol

from au2.client.http.transport import Transport
from au2.client.images.blobs import Blob
from au2.client.images.upload import list_missing_blobs
from au2.domain.errors import Au2Error, DigestMismatch, InvalidImage, LeaseLost
from au2.wire.upload import ImageUploadView

_AGAIN_SECONDS: Final = 0.25
"""Before another try of a sign of life: a server that comes back is to hear soon who lives."""


class UploadProgressSink(Protocol):
    """Is told what happens, in any thread."""

    def expect(self, size_bytes: int) -> None:
        """So much is to be sent or skipped in all, if that is known."""
        ...

    def read(self, size_bytes: int) -> None:
        """So much more of a layer was read that is sent later, or not at all."""
        ...

    def begin(self, blob_bytes: int, received_bytes: int) -> None:
        """A blob begins to be sent; so much of it had come before."""
        ...

    def advance(self, size_bytes: int) -> None:
        """So many more bytes have come."""
        ...

    def skip(self, blob_bytes: int) -> None:
        """The server has a blob of that size."""
        ...


class BlobTarget(Protocol):
    """Where blobs go: an :class:`~au2.client.images.upload.ImageUploadClient`."""

    def find_missing(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """Return which blobs (size in bytes by digest) are to be sent, and how much has come."""
        ...

    def send(
        self,
        blob: Blob,
        received_bytes: int,
        counted: Callable[[int], None],
        *,
        end_bytes: int | None = None,
    ) -> int:
        """Send a blob from there on, to its end or so far; return how much of it has come."""
        ...


class BlobUploader:
    """Sends blobs in a thread beside the one that reads. Each blob is offered once."""

    def __init__(self, upload: BlobTarget, progress: UploadProgressSink, *, stop: Event) -> None:
        """``stop`` is the upload's."""
        self.upload = upload
        self.progress = progress
        self._stop = stop
        self._offered: set[str] = set()
        self._thread: Thread | None = None
        self._failure: BaseException | None = None

    def offer(self, blobs: Sequence[Blob]) -> None:
        """Send of these blobs what is lacking; returns when all before are through.

        Raises what went wrong with those before.
        """
        news = [blob for blob in blobs if self.is_new(blob.digest)]
        for blob in blobs:
            if blob not in news:
                blob.source.close()
        if news:
            self.run_beside(lambda: self._deliver(news))

    def is_new(self, digest: str) -> bool:
        """Whether the blob was not offered yet; it is from now on."""
        if digest in self._offered:
            return False
        self._offered.add(digest)
        return True

    def run_beside(self, task: Callable[[], object]) -> None:
        """Run ``task`` in a thread, once the one before has ended. Raises what that one raised."""
        self.finish()
        # A daemon: a command that is interrupted must not wait for an answer.
        self._thread = Thread(target=self._guard, args=(task,), daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait until everything that was offered is there. Raises what went wrong with it."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End what is being sent; what has come stays. The transport is free afterwards."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _guard(self, task: Callable[[], object]) -> None:
        try:
            task()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            self._failure = error

    def _deliver(self, blobs: Sequence[Blob]) -> None:
        lacking = self.upload.find_missing({blob.digest: blob.size_bytes for blob in blobs})
        for blob in blobs:
            try:
                if blob.digest in lacking:
                    self._send(blob, lacking[blob.digest])
                else:
                    self.progress.skip(blob.size_bytes)
            finally:
                blob.source.close()

    def _send(self, blob: Blob, received_bytes: int) -> None:
        self.progress.begin(blob.size_bytes, received_bytes)
        try:
            self.upload.send(blob, received_bytes, self.progress.advance)
        except DigestMismatch as error:
            if not received_bytes:
                raise damaged(blob.digest) from error
            # What had come before may have been the damaged part; the server has thrown it away.
            self._send(blob, 0)


def damaged(digest: str) -> InvalidImage:
    """Return the error for a blob that is not what it says."""
    return InvalidImage(
        f"the archive is damaged: what should be {digest} is something else",
        hint="Save the image again, and upload that.",
    )


class Heartbeat:
    """Keeps a session alive while nothing is sent: `docker save` may think for minutes."""

    def __init__(self, transport: Transport, session: ImageUploadView) -> None:
        """``transport``: of its own, since it is used in another thread."""
        self._transport = transport
        self._session = session
        self._end = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        """Begin."""
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        """End. A sign of life that is on its way is not waited for."""
        self._end.set()

    def join(self) -> None:
        """Wait until no more signs are given, for the session is lost or this was ended."""
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
                # Whoever sends finds out, and tells.
                pause = min(_AGAIN_SECONDS, heartbeat_seconds)
        self._transport.close()
