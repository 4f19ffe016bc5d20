"""One registry, to pull from."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import BinaryIO, cast

import httpx

from au2.domain.errors import RegistryFailure
from au2.oci.registry_client.answers import read_small
from au2.oci.registry_client.blob_stream import BlobStream
from au2.oci.registry_client.credentials import Credentials
from au2.oci.registry_client.transport import RegistryOptions, RegistryTransport
from au2.oci.spec import media_types
from au2.oci.spec.descriptor import Descriptor
from au2.oci.spec.digest import VerifyingReader, sha256_of
from au2.oci.spec.document import MAX_DOCUMENT_BYTES

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

    def ping(self) -> None:
        """Find out whether it is reached and lets us in. Raises RegistryFailure."""
        with self._answer("/v2/", "") as response:
            if response.status_code != 200:
                raise self._transport.refusal(response, "an answer")

    def read_manifest(self, repository: str, target: str) -> tuple[bytes, str]:
        """Return a manifest or index by tag or digest, and its digest.

        Raises:
            RegistryFailure: not there, not permitted, too large, not what the digest says.
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
        """Open a blob; its digest and size are checked while it is read to its end.

        Reading raises DigestMismatch and RegistryFailure.
        """
        path = f"/v2/{repository}/blobs/{blob.digest}"
        with closing(BlobStream(self._transport, path, _pull(repository), blob)) as stream:
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
