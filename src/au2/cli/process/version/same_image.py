"""Before an archive that is a file is sent: is it in order, and does the version have its image?"""

from typing import BinaryIO

from au2.cli.process.version.steps import tell_step
from au2.cli.session import Session
from au2.client.images.archive_check import check_archive, find_manifest_digest
from au2.client.images.archive_upload import want_image
from au2.client.images.upload import ImageStanding
from au2.client.runs.job_status import poll_job

_AVAILABLE = "AVAILABLE"


class SameImage:
    """Knows the image of one archive; reads it no more often than it must."""

    def __init__(self, archive: BinaryIO, image: str | None) -> None:
        """``image``: its name, if the archive has several."""
        self._archive = archive
        self._image = image
        self._is_checked = False
        self._digest: str | None = None

    def is_there(self, standing: ImageStanding) -> bool:
        """Whether the version has just this image, or it is being imported.

        Raises:
            InvalidImage: the archive can't be sent as it is.
        """
        wanted = want_image(self._image, standing)
        if not self._is_checked:
            check_archive(self._archive, wanted)
            self._is_checked = True
        if standing.image_digest is None:
            return False
        if self._digest is None:
            self._digest = find_manifest_digest(self._archive, wanted)
        return self._digest == standing.image_digest


def tell_same(session: Session, standing: ImageStanding, *, wait: bool) -> None:
    """Say that nothing is to be sent; with ``wait``, see the import through and end as it does."""
    is_available = standing.image_status == _AVAILABLE
    if is_available:
        told = f"Version {standing.version} has this very image already."
    else:
        told = f"This very image is being imported to version {standing.version} already."
    tell_step(session.console, told)
    if is_available or standing.job is None:
        return
    if not wait:
        session.console.remark(f"Wait for it: au2 job wait {standing.job}")
        return
    from au2.cli.packages.follow_build import watch_build

    watch_build(session, standing.version, poll_job(session.transport, standing.job))
