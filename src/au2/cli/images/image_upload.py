"""Upload of an image from an archive into its version."""

import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from threading import Event
from typing import BinaryIO, NamedTuple

from au2.cli.images.image_progress import ImageProgress
from au2.cli.retry import make_retry_budget
from au2.cli.session import Session
from au2.client.images.archive_upload import (
    check_archive,
    find_manifest_digest,
    make_wanted_image,
    send_archive,
)
from au2.client.images.blob_uploader import BlobUploader, Heartbeat
from au2.client.images.blobs import Spool, find_spool_directory
from au2.client.images.upload import (
    ImageUploadClient,
    UploadStopped,
    abandon_image_upload,
    begin_image_upload,
    get_upload_status,
    leave_image_upload,
)
from au2.client.resources.jobs import poll_job
from au2.console.console import Console
from au2.domain.errors import (
    Au2Error,
    Conflict,
    LeaseLost,
    NotAuthenticated,
    ServerUnreachable,
    StillSending,
)
from au2.domain.wording import as_sentence
from au2.wire.image_upload import ImageUploadStatus, ImageUploadView
from au2.wire.job import JobView


def tell_step(console: Console, text: str) -> None:
    """Print a line of data; a remark where one document is to be all the data."""
    if console.output_format == "table":
        console.line(text)
    else:
        console.remark(text)


_AVAILABLE = "AVAILABLE"


class SameImage:
    """Knows the image of one archive; reads it no more often than it must."""

    def __init__(self, archive: BinaryIO, image: str | None) -> None:
        """``image``: its name, if the archive has several."""
        self._archive = archive
        self._image = image
        self._is_checked = False
        self._digest: str | None = None

    def is_there(self, standing: ImageUploadStatus) -> bool:
        """Whether the version has just this image, or it is being imported.

        Raises:
            InvalidImage: the archive can't be sent as it is.
        """
        wanted = make_wanted_image(self._image, standing)
        if not self._is_checked:
            check_archive(self._archive, wanted)
            self._is_checked = True
        if standing.image_digest is None:
            return False
        if self._digest is None:
            self._digest = find_manifest_digest(self._archive, wanted)
        return self._digest == standing.image_digest


def tell_same(session: Session, standing: ImageUploadStatus, *, wait: bool) -> None:
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


_ASK_SECONDS = 1.0


"""Between two questions whether the other has ended."""


class VersionRef(NamedTuple):
    """Where an image goes."""

    process_id: str
    version: int


def acquire_upload(
    session: Session, version: VersionRef, is_there: Callable[[ImageUploadStatus], bool] | None
) -> ImageUploadView | ImageUploadStatus:
    """Begin to send an image, once no other command of the same account is sending one.

    Returns how it stands with the version instead if ``is_there`` says that nothing is to be sent.
    That may raise, and then nothing was begun. None: nobody knows before it was read.

    Raises:
        NotFound, NotPermitted: of the version.
        Conflict: it has an image, perhaps by now, or somebody else is sending one.
        ServerUnreachable: at once, or for too long while it was waited.
    """
    budget = make_retry_budget(session.console)
    is_told = False
    while True:
        try:
            if is_there is not None:
                standing = get_upload_status(session.transport, *version)
                if is_there(standing):
                    return standing
            return begin_image_upload(session.transport, *version)
        except StillSending as error:
            budget.note_progress()
            if not is_told:
                is_told = True
                said = error.message.rstrip(".")
                session.console.remark(f"{said}; waiting until it ends.")
            time.sleep(_ASK_SECONDS)
        except ServerUnreachable as error:
            if not is_told:
                raise
            budget.wait(error)


_MAY_GO_ON = (ServerUnreachable, Conflict, NotAuthenticated)


"""After these the same command may go on: the session stays. After others, nothing helps as it is.
"""


_AGAIN = "Give the same command again: it goes on where it was."


def send_image(
    session: Session,
    version: VersionRef,
    file: Path | None,
    *,
    image: str | None,
    spool: Path | None,
) -> JobView | ImageUploadStatus:
    """Send the image; return the job that imports it.

    Returns how it stands with the version instead if that has just this image, or imports it.

    Args:
        session: of the command.
        version: the version; what comes on stdin is not read before that is asked for.
        file: the archive; None: stdin.
        image: its name, if the archive has several.
        spool: folder for layers that must be kept; None: the usual one.
    """
    console = session.console
    with ExitStack() as scope:
        archive = console.input_stream() if file is None else scope.enter_context(file.open("rb"))
        is_there = None if file is None else SameImage(archive, image).is_there
        upload = acquire_upload(session, version, is_there)
        if isinstance(upload, ImageUploadStatus):
            return upload
        stop = Event()
        progress = ImageProgress(console, clock=time.monotonic)
        sending = _open(session, upload, stop)
        uploader = BlobUploader(sending, progress, stop=stop)
        scope.enter_context(Heartbeat(session.connect(session.entry.token), upload))
        try:
            if upload.resumed:
                console.remark("Going on with the upload that was begun before.")
            tell_step(console, "Uploading image")
            wanted = make_wanted_image(image, upload)
            kept = Spool(find_spool_directory(spool), make_room=uploader.finish)
            manifest = send_archive(archive, wanted, uploader, kept.keep)
            job = sending.complete(*manifest)
        except BaseException as error:
            stop.set()
            progress.finish()
            _explain(session, upload, error)
            raise
        progress.finish()
    tell_step(console, f"Job submitted: {job.id}")
    return job


def _open(session: Session, upload: ImageUploadView, stop: Event) -> ImageUploadClient:
    def pause(seconds: float) -> None:
        if stop.wait(seconds):
            raise UploadStopped

    budget = make_retry_budget(session.console, pause)
    return ImageUploadClient(session.transport, upload, budget, stop=stop)


def _explain(session: Session, upload: ImageUploadView, error: BaseException) -> None:
    """Say how to go on; give up what can't get better by going on."""
    if isinstance(error, KeyboardInterrupt):
        session.console.remark(f"Interrupted. {_AGAIN}")
    elif isinstance(error, ServerUnreachable):
        error.hint = _AGAIN
    if isinstance(error, Au2Error) and not isinstance(error, _MAY_GO_ON):
        _give_up(session, upload, error)
    elif not isinstance(error, LeaseLost):
        _leave(session, upload)


def _give_up(session: Session, upload: ImageUploadView, error: Au2Error) -> None:
    """Free the version at once, instead of when the session ends. A courtesy: may fail."""
    session.console.remark(f"The upload was given up; its record: au2 job show {upload.job}")
    try:
        # Ours may be in the middle of a request, in another thread.
        with closing(session.connect(session.entry.token)) as transport:
            abandon_image_upload(transport, upload, as_sentence(error.message))
    except Au2Error as second:
        error.add_note(f"Giving up failed too: {second.message}")


def _leave(session: Session, upload: ImageUploadView) -> None:
    """Say that nobody sends any more, so that the next command need not wait. A courtesy, too."""
    with closing(session.connect(session.entry.token)) as transport, suppress(Au2Error):
        leave_image_upload(transport, upload)
