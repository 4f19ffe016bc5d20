"""Receivers of blobs: the body of one request goes into a resumable ingest."""

from collections.abc import Callable
from contextlib import ExitStack

from au2.domain.errors import Conflict, StorageFull, TooLarge
from au2.stores.content.protocol import ResumableIngester


class BlobReceiver:
    """Receiver of one blob, used by one thread at a time. To be closed."""

    def __init__(self, blobs: ResumableIngester, name: str, max_bytes: int) -> None:
        """Begin or resume the ingest ``name``. Raises Conflict: another request writes to it."""
        self._max_bytes = max_bytes
        self._scope = ExitStack()
        self._ingest = self._scope.enter_context(blobs.resume(name))

    @property
    def received_bytes(self) -> int:
        """Bytes of the blob received so far, by all requests."""
        return self._ingest.size_bytes

    def feed(self, data: bytes) -> None:
        """Append bytes. Raises TooLarge, and StorageFull: then the ingest is removed."""
        if self.received_bytes + len(data) > self._max_bytes:
            raise TooLarge(f"The blob is larger than {self._max_bytes} bytes.")
        self._ingest.write(data)

    def close(self) -> None:
        """Release the ingest, which stays. Idempotent."""
        self._scope.close()


class ImageBlobReceiver(BlobReceiver):
    """Receiver of one blob of an image upload, whose digest and size are known before."""

    def __init__(
        self,
        blobs: ResumableIngester,
        name: str,
        digest: str,
        *,
        size_bytes: int,
        offset_bytes: int,
        renew: Callable[[], None],
        note_stored: Callable[[], None],
        note_full: Callable[[], None],
    ) -> None:
        """Begin or resume the ingest.

        Args:
            blobs: content store.
            name: of the ingest.
            digest: of the whole blob.
            size_bytes: of the whole blob.
            offset_bytes: position of the request's body in the blob.
            renew: prolongs the upload's lease when due; called often, raises LeaseLost.
            note_stored: called when the whole blob is durable, right before it is named.
            note_full: called when the disk is full and the ingest was removed.

        Raises:
            Conflict: another number of bytes was received, or another request writes to the ingest.
        """
        super().__init__(blobs, name, size_bytes)
        self._digest = digest
        self._renew = renew
        self._note_stored = note_stored
        self._note_full = note_full
        received = self.received_bytes
        if received != offset_bytes:
            self.close()
            raise Conflict(
                f"{received} bytes of this blob were received, so they go on at byte "
                f"{received}, not at byte {offset_bytes}.",
                hint="Ask which blobs are missing, and how much of each was received.",
            )

    def feed(self, data: bytes) -> None:
        """Append bytes. Raises as :meth:`BlobReceiver.feed`, and LeaseLost: the upload was closed.

        On a full disk the upload's job says so.
        """
        self._renew()
        try:
            super().feed(data)
        except StorageFull:
            self._note_full()
            raise

    def finish(self) -> int:
        """End the body; return the bytes of the blob received so far. A whole blob is committed.

        Raises:
            DigestMismatch: the whole blob has another digest; the ingest is removed.
            StorageFull: the disk is full.
        """
        received = self.received_bytes
        if received == self._max_bytes:
            self._ingest.commit(self._digest, size_bytes=received, note=self._note_stored)
        return received
