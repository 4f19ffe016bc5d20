"""Calls for versions: the default, the newest, argument schemas, and downloads."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal

from au2.client.http.transport import Transport
from au2.client.http.urls import quote_segment
from au2.client.resources.resource import read_pages
from au2.domain.errors import ServerUnreachable
from au2.wire.base import ResponseType
from au2.wire.documents import parse_record
from au2.wire.process import VersionView

DEFAULT: Final = "default"
"""Instead of a number: the version of a run that names none."""
NEWEST: Final = "newest"
"""Instead of a number: the newest version with an upload."""


def get_version(
    transport: Transport, process_id: str, which: str, *, latest: bool = False
) -> VersionView:
    """Return a version, by number, ``DEFAULT`` or ``NEWEST``.

    ``latest``: with ``DEFAULT``, the version of a run with ``--latest``. Raises NotFound, Conflict.
    """
    query = {"latest": "true"} if latest else None
    path = f"/processes/{quote_segment(process_id)}/versions/{quote_segment(which)}"
    return parse_record(VersionView, transport.call("GET", path, query=query))


class VersionStatus(ResponseType):
    """Number and image status of a version: the part of its view that is offered to choose."""

    version: int
    image_status: str


def list_statuses(transport: Transport, process_id: str) -> list[VersionStatus]:
    """Return the statuses of all versions, oldest first. Raises NotFound."""
    path = f"/processes/{quote_segment(process_id, 'process')}/versions"
    return list(read_pages(transport, VersionStatus, path, {}))


def get_argument_schema(
    transport: Transport, process_id: str, version: int | None, *, latest: bool = False
) -> dict[str, Any] | None:
    """Return the schema of a version's arguments; None: any object is valid.

    ``version``: None is the default of a run, with ``latest`` or without. Raises NotFound,
    Conflict.
    """
    if version is not None:
        return get_version(transport, process_id, str(version)).args_schema
    return get_version(transport, process_id, DEFAULT, latest=latest).args_schema


_MEDIA_TYPE: Final = "application/x-tar"


class Download:
    """Stream of an archive, complete or an error."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response
        self._received_bytes = 0
        self.size_bytes = response.length
        """Size of the archive; None: a proxy left it out."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, nothing at the end.

        Raises:
            ServerUnreachable: the connection broke before the end.
        """
        data = self._response.read(size if size >= 0 else None)
        self._received_bytes += len(data)
        if size and not data and self._received_bytes < (self.size_bytes or 0):
            raise ServerUnreachable(
                f"The download broke off after {self._received_bytes} bytes of "
                f"{self.size_bytes} bytes.",
                hint="Give the command again. If it breaks off at the same byte, trying once more "
                "may not help: the server's log names the damage; tell its operator.",
            )
        return data


@contextmanager
def open_download(
    transport: Transport, process_id: str, number: int, what: Literal["archive", "package"]
) -> Iterator[Download]:
    """Open the image (``archive``) or the source (``package``) of a version.

    Inside the block, every OSError counts as a broken connection: errors of files must be raised as
    other types there.

    Raises:
        NotFound: no such version.
        Conflict: the version has no image yet.
        InvalidRequest: the version was not made of a package.
    """
    path = f"/processes/{quote_segment(process_id, 'process')}/versions/{number}/{what}"
    with transport.stream(path, accept=_MEDIA_TYPE) as response:
        yield Download(response)
