"""The bytes of a blob, over as many connections as it takes."""

from collections.abc import Iterator

import httpx

from au2.domain.errors import RegistryFailure
from au2.oci.registry_client.answers import raw_chunks
from au2.oci.registry_client.transport import RegistryTransport
from au2.oci.spec.descriptor import Descriptor

_PROGRESS_BYTES = 8 << 20
"""After so many more bytes, a connection that breaks is a new trouble and not one more."""


class BlobStream:
    """Reads a blob, unchecked; a connection that broke is taken up where it broke."""

    def __init__(
        self, transport: RegistryTransport, path: str, scope: str, blob: Descriptor
    ) -> None:
        self._transport, self._path, self._scope, self._blob = transport, path, scope, blob
        self._seen_bytes = 0
        self._budget = transport.retry_budget()
        self._tries_from_bytes = 0
        self._response: httpx.Response | None = None
        self._chunks: Iterator[bytes] = iter(())
        self._rest = b""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes; nothing at the end."""
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        if not self._rest:
            self._rest = self._next_chunk()
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def close(self) -> None:
        """Let go of the connection."""
        if self._response is not None:
            self._response.close()
            self._response = None

    def _next_chunk(self) -> bytes:
        if self._seen_bytes and self._seen_bytes >= self._blob.size_bytes:
            return b""  # Whoever checks asks once more; there is no need to ask the registry.
        while True:
            if self._response is None:
                self._open()
            try:
                chunk = next(self._chunks, b"")
            except httpx.TransportError as error:
                self.close()
                self._count_trouble(error)
                continue
            self._seen_bytes += len(chunk)
            return chunk

    def _open(self) -> None:
        offset = self._seen_bytes
        response = self._transport.get(self._path, scope=self._scope, offset=offset)
        self._response = response
        if response.status_code not in {200, 206}:
            raise self._transport.refusal(response, f"blob {self._blob.digest}")
        if response.status_code == 206:
            told = response.headers.get("Content-Range", "")
            if not told.startswith(f"bytes {offset}-"):
                raise RegistryFailure(f"The registry goes on with {told[:100]}, not at {offset}.")
            offset = 0
        self._chunks = _without_start(raw_chunks(response), offset)

    def _count_trouble(self, error: Exception) -> None:
        if self._seen_bytes - self._tries_from_bytes > _PROGRESS_BYTES:
            self._budget.note_progress()
            self._tries_from_bytes = self._seen_bytes
        self._budget.wait(self._transport.trouble(error))


def _without_start(chunks: Iterator[bytes], count: int) -> Iterator[bytes]:
    for chunk in chunks:
        kept = chunk[count:]
        count -= len(chunk) - len(kept)
        if kept:
            yield kept
