"""Reading a version, without the wire models: ``process run`` is in a hurry."""

from typing import Any, Final, NamedTuple

from au2.client.answers import find_whole, take, take_text, take_whole
from au2.client.http.transport import Transport
from au2.client.http.urls import quote_segment
from au2.domain.errors import UnexpectedAnswer

DEFAULT: Final = "default"
"""In the place of a number: the version that a run takes where none is named."""
NEWEST: Final = "newest"
"""In the place of a number: the newest version that something was uploaded to."""
_IN_THE_WORKS: Final = frozenset({"UPLOADING", "BUILDING"})


class VersionStanding(NamedTuple):
    """How far a version is: a part of ``VersionView``."""

    number: int
    image_status: str
    is_published: bool
    upload_job: int | None

    @property
    def is_in_the_works(self) -> bool:
        """Whether its image is being uploaded or built."""
        return self.image_status in _IN_THE_WORKS


def get_version(
    transport: Transport, process_id: str, which: str, *, latest: bool = False
) -> dict[str, Any]:
    """Return the version's ``VersionView`` document: of a number, ``DEFAULT`` or ``NEWEST``.

    ``latest``: with ``DEFAULT``, what a run takes that asks for the latest. Raises NotFound,
    Conflict.
    """
    query = {"latest": "true"} if latest else None
    path = f"/processes/{quote_segment(process_id)}/versions/{quote_segment(which)}"
    document = transport.call("GET", path, query=query)
    if not isinstance(document, dict):
        raise UnexpectedAnswer
    return document


def get_standing(transport: Transport, process_id: str, which: str) -> VersionStanding:
    """Return how far a version is. ``which`` as in :func:`get_version`."""
    document = get_version(transport, process_id, which)
    return VersionStanding(
        number=take_whole(document, "id"),
        image_status=take_text(document, "image_status"),
        is_published=take(document, "published_at") is not None,
        upload_job=find_whole(document, "upload_job"),
    )
