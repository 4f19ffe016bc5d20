"""What can be had back of a version, as a stream that is whole or fails."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

from au2.client.http.transport import Transport
from au2.domain.errors import ServerUnreachable

_MEDIA_TYPE: Final = "application/x-tar"


class Download:
    """An archive that is coming."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response
        self._received_bytes = 0
        self.size_bytes = response.length
        """How much will come; None: a proxy on the way keeps it to itself."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, nothing at the end.

        Raises:
            ServerUnreachable: it broke off before its end.
        """
        data = self._response.read(size if size >= 0 else None)
        self._received_bytes += len(data)
        if size and not data and self._received_bytes < (self.size_bytes or 0):
            raise ServerUnreachable(
                f"The download broke off after {self._received_bytes} bytes of "
                f"{self.size_bytes} bytes.",
                hint="Give the command again. If it breaks off at the same place, trying once more "
                "may not help: the server's log says what is damaged; tell its operator.",
            )
        return data


@contextmanager
def open_download(
    transport: Transport, process_id: str, number: int, what: Literal["archive", "package"]
) -> Iterator[Download]:
    """Ask for the image (``archive``) or the source (``package``) of a version.

    Inside, every OSError counts as a broken connection: faults of files are to be raised as
    something else there.

    Raises:
        NotFound: there is no such version.
        Conflict: it has no image yet.
        InvalidRequest: it was not made of a package.
    """
    path = f"/processes/{process_id}/versions/{number}/{what}"
    with transport.stream(path, accept=_MEDIA_TYPE) as response:
        yield Download(response)
