"""Pieces of a blob: whether one is what its ``Content-Range`` says."""

import re

from starlette.requests import Request

from au2.domain.repository import Repository
from au2.http.registry.errors import RegistryError

# The specification knows the bare form only; some clients write it as HTTP does.
_RANGE = re.compile(r"(?:bytes[= ])?([0-9]{1,18})-([0-9]{1,18})(?:/[0-9*]+)?")


class ContentRange:
    """One request's body beside its ``Content-Range``, if it has one.

    Every refusal is a 416 that says where to go on: so the specification has it for pieces out of
    order, and its older versions, which say more, for ranges that can't be read.
    """

    def __init__(
        self, request: Request, repository: Repository, upload_id: str, received_bytes: int
    ) -> None:
        """``received_bytes``: how much of the blob had come before."""
        self._repository = repository
        self._upload_id = upload_id
        self._begin_bytes = received_bytes
        self._counted_bytes = 0
        self._range = request.headers.get("content-range")
        length = request.headers.get("content-length", "")
        self._length_bytes = int(length) if length.isdecimal() else None
        self._size_bytes: int | None = None

    def ensure_fits(self) -> None:
        """Before the body is read: refuse a range that goes on elsewhere, or is no range of it.

        Raises:
            RegistryError: it is refused.
        """
        if self._range is None:
            return
        stated = _RANGE.fullmatch(self._range.strip())
        if stated is None:
            raise self._refusal("The Content-Range is not of the form FIRST-LAST.")
        first, last = int(stated[1]), int(stated[2])
        if first != self._begin_bytes:
            raise self._refusal(
                f"{self._begin_bytes} bytes have come, so the next piece begins there."
            )
        self._size_bytes = last - first + 1
        if self._size_bytes < 0 or self._length_bytes not in (None, self._size_bytes):
            raise self._mismatch()

    def count(self, size_bytes: int) -> None:
        """Before bytes are kept: refuse those beyond the range. Raises RegistryError."""
        self._counted_bytes += size_bytes
        if self._size_bytes is not None and self._counted_bytes > self._size_bytes:
            self._counted_bytes -= size_bytes
            raise self._mismatch()

    def ensure_whole(self) -> None:
        """After the body: refuse to go by one that was shorter. Raises RegistryError."""
        if self._size_bytes not in (None, self._counted_bytes):
            raise self._mismatch()

    def _mismatch(self) -> RegistryError:
        return self._refusal(f"The Content-Range {self._range} is not that of the bytes sent.")

    def _refusal(self, message: str) -> RegistryError:
        come = self._begin_bytes + self._counted_bytes
        headers = upload_headers(self._repository, self._upload_id, come)
        return RegistryError(416, "BLOB_UPLOAD_INVALID", message, headers)


def upload_headers(repository: Repository, upload_id: str, received_bytes: int) -> dict[str, str]:
    """Return the headers that say how far an upload is."""
    return {
        "Location": f"/v2/{repository}/blobs/uploads/{upload_id}",
        "Range": f"0-{max(received_bytes - 1, 0)}",
        "Docker-Upload-UUID": upload_id,
    }
