"""Resumable receiver for one blob of an image."""

import hashlib
from collections.abc import Callable
from contextlib import ExitStack

from au2.domain.errors import Conflict, StorageFull, TooLarge
from au2.domain.repository import Repository
from au2.stores.content.protocol import ResumableIngester


class BlobReceiver:
    """Takes one request's body, from one thread at a time. To be closed."""

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
        """Begin.

        Args:
            blobs: where it goes.
            name: of the blob in pieces.
            digest: what the whole blob must have.
            size_bytes: of the whole blob.
            offset_bytes: where the body begins.
            renew: prolongs the upload's lease when that is due; called often, raises LeaseLost.
            note_stored: told when the whole blob is durable, right before it is named.
            note_full: told when the disk is full and nothing of this blob is kept.

        Raises:
            Conflict: another number of bytes has come, or somebody sends them at this moment.
        """
        self._digest = digest
        self._size_bytes = size_bytes
        self._renew = renew
        self._note_stored = note_stored
        self._note_full = note_full
        self._scope = ExitStack()
        self._part = self._scope.enter_context(blobs.resume(name))
        if self._part.size_bytes != offset_bytes:
            come = self._part.size_bytes
            self._scope.close()
            raise Conflict(
                f"{come} bytes of this blob have come, so they go on at byte {come}, "
                f"not at byte {offset_bytes}.",
                hint="Ask which blobs are lacking, and how much of each has come.",
            )

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body.

        Raises:
            LeaseLost: the upload was closed meanwhile.
            TooLarge: more came than the blob has.
            StorageFull: no room; nothing of the blob is kept, and the upload's job says so.
        """
        self._renew()
        if self._part.size_bytes + len(data) > self._size_bytes:
            raise TooLarge(f"More came than the {self._size_bytes} bytes of the blob.")
        try:
            self._part.write(data)
        except StorageFull:
            self._note_full()
            raise

    def finish(self) -> int:
        """The body is at its end; return how much of the blob has come in all.

        Raises:
            DigestMismatch: the blob is whole, and not what was announced: it is thrown away.
            StorageFull: no room.
        """
        size_bytes = self._part.size_bytes
        if size_bytes == self._size_bytes:
            self._part.commit(self._digest, size_bytes=self._size_bytes, note=self._note_stored)
        return size_bytes

    def close(self) -> None:
        """Let go of the blob. Idempotent."""
        self._scope.close()


def name_of_part(repository: Repository, digest: str) -> str:
    """Return the name of a blob in pieces: who sends it to the same process goes on with it.

    It begins with the process's id, by which house-keeping knows what is under way
    (:mod:`au2.app.maintenance.garbage_collection`).
    """
    name = hashlib.sha256(f"{repository} {digest}".encode()).hexdigest()
    return f"{repository.process_id}_{name}"
