"""Client of one registry: manifests, and resumable streams of blobs."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import BinaryIO, cast

import httpx

from au2.domain.errors import RegistryFailure
from au2.oci.registry_client.login import Credentials
from au2.oci.registry_client.responses import raw_chunks, read_small
from au2.oci.registry_client.transport import RegistryOptions, RegistryTransport
from au2.oci.spec import media_types
from au2.oci.spec.digest import VerifyingReader, sha256_of
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.oci.spec.manifest import Descriptor
from au2.oci.streams import ChunkReader

_PROGRESS_BYTES = 8 << 20
"""After so many more bytes, a connection that breaks is a new trouble and not one more."""


class _BlobStream(ChunkReader):
    """Unverified content of a blob; after a broken connection, reading resumes at its offset."""

    def __init__(
        self, transport: RegistryTransport, path: str, scope: str, blob: Descriptor
    ) -> None:
        super().__init__()
        self._transport, self._path, self._scope, self._blob = transport, path, scope, blob
        self._seen_bytes = 0
        self._budget = transport.retry_budget()
        self._tries_from_bytes = 0
        self._response: httpx.Response | None = None
        self._chunks: Iterator[bytes] = iter(())
        self._rest = b""

    def read_some(self, size: int) -> bytes:
        if not self._rest:
            self._rest = self._next_chunk()
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def close(self) -> None:
        self._drop_connection()
        super().close()

    def _drop_connection(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None

    def _next_chunk(self) -> bytes:
        if self._seen_bytes and self._seen_bytes >= self._blob.size_bytes:
            return b""  # A check reads once more at the end; the registry need not be asked.
        while True:
            if self._response is None:
                self._open()
            try:
                chunk = next(self._chunks, b"")
            except httpx.TransportError as error:
                self._drop_connection()
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


_ACCEPTED = ", ".join(sorted(media_types.MANIFESTS | media_types.INDEXES))


class Registry:
    """Client of one registry, named as in :class:`~au2.oci.spec.reference.Reference`."""

    def __init__(
        self,
        name: str,
        *,
        credentials: Credentials | None = None,
        options: RegistryOptions | None = None,
    ) -> None:
        """Prepare; nothing is sent yet. Raises RegistryFailure for an unusable CA file."""
        self._name = name
        self._transport = RegistryTransport(name, credentials, options or RegistryOptions())

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def read_manifest(self, repository: str, target: str) -> tuple[bytes, str]:
        """Return a manifest or index by tag or digest, and its digest.

        Raises:
            RegistryFailure: missing, not permitted, too large, or of another digest.
        """
        path = f"/v2/{repository}/manifests/{target}"
        with self._answer(path, _pull(repository), accept=_ACCEPTED) as response:
            if response.status_code != 200:
                raise self._transport.refusal(response, f"image {_name(repository, target)}")
            data = read_small(response, MAX_DOCUMENT_BYTES)
        digest = sha256_of(data)
        if target.startswith("sha256:") and digest != target:
            raise RegistryFailure(f"{self._name} gave something else for {target}: {digest}.")
        return data, digest

    @contextmanager
    def open_blob(self, repository: str, blob: Descriptor) -> Iterator[BinaryIO]:
        """Open a blob; digest and size are verified while reading to the end.

        Reading raises DigestMismatch and RegistryFailure.
        """
        path = f"/v2/{repository}/blobs/{blob.digest}"
        with closing(_BlobStream(self._transport, path, _pull(repository), blob)) as stream:
            yield cast(BinaryIO, VerifyingReader(stream, blob.digest, blob.size_bytes))

    @contextmanager
    def _answer(self, path: str, scope: str, *, accept: str = "*/*") -> Iterator[httpx.Response]:
        response = self._transport.get(path, scope=scope, accept=accept)
        try:
            yield response
        except httpx.HTTPError as error:
            raise self._transport.trouble(error) from error
        finally:
            response.close()


def _pull(repository: str) -> str:
    return f"repository:{repository}:pull"


def _name(repository: str, target: str) -> str:
    return f"{repository}{'@' if target.startswith('sha256:') else ':'}{target}"
