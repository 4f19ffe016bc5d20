"""An image on its way from an archive to its version: what is printed, what is told on failure."""

import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from threading import Event

from au2.cli.images.image_progress import ImageProgress
from au2.cli.outages import make_patience
from au2.cli.process.version.same_image import SameImage
from au2.cli.process.version.steps import tell_step
from au2.cli.process.version.turns import Place, begin_in_turn
from au2.cli.session import Session
from au2.client.images.archive_upload import send_archive, want_image
from au2.client.images.blob_uploader import BlobUploader, Heartbeat
from au2.client.images.spool import Spool, find_spool_directory
from au2.client.images.upload import (
    ImageSession,
    ImageStanding,
    ImageUpload,
    Stopped,
    abandon_image,
    leave_image,
)
from au2.client.runs.job_status import JobStanding
from au2.domain.errors import (
    Au2Error,
    Conflict,
    LeaseLost,
    NotAuthenticated,
    ServerUnreachable,
)
from au2.domain.wording import as_sentence

_MAY_GO_ON = (ServerUnreachable, Conflict, NotAuthenticated)
"""After these the same command may go on: the session stays. After others, nothing helps as it is.
"""
_AGAIN = "Give the same command again: it goes on where it was."


def send_image(
    session: Session, place: Place, file: Path | None, *, image: str | None, spool: Path | None
) -> JobStanding | ImageStanding:
    """Send the image; return the job that imports it.

    Returns how it stands with the version instead if that has just this image, or imports it.

    Args:
        session: of the command.
        place: the version; what comes on stdin is not read before that is asked for.
        file: the archive; None: stdin.
        image: its name, if the archive has several.
        spool: folder for layers that must be kept; None: the usual one.
    """
    console = session.console
    with ExitStack() as scope:
        archive = console.input_stream() if file is None else scope.enter_context(file.open("rb"))
        is_there = None if file is None else SameImage(archive, image).is_there
        upload = begin_in_turn(session, place, is_there)
        if isinstance(upload, ImageStanding):
            return upload
        stop = Event()
        progress = ImageProgress(console, clock=time.monotonic)
        sending = _open(session, upload, stop)
        shipment = BlobUploader(sending, progress, stop=stop)
        scope.enter_context(Heartbeat(session.connect(session.entry.token), upload))
        try:
            if upload.resumed:
                console.remark("Going on with the upload that was begun before.")
            tell_step(console, "Uploading image")
            wanted = want_image(image, upload)
            kept = Spool(find_spool_directory(spool), make_room=shipment.finish)
            manifest = send_archive(archive, wanted, shipment, kept.keep)
            job = sending.complete(*manifest)
        except BaseException as error:
            stop.set()
            progress.finish()
            _explain(session, upload, error)
            raise
        progress.finish()
    tell_step(console, f"Job submitted: {job.id}")
    return job


def _open(session: Session, upload: ImageSession, stop: Event) -> ImageUpload:
    def pause(seconds: float) -> None:
        if stop.wait(seconds):
            raise Stopped

    patience = make_patience(session.console, pause)
    return ImageUpload(session.transport, upload, patience, stop=stop)


def _explain(session: Session, upload: ImageSession, error: BaseException) -> None:
    """Say how to go on; give up what can't get better by going on."""
    if isinstance(error, KeyboardInterrupt):
        session.console.remark(f"Interrupted. {_AGAIN}")
    elif isinstance(error, ServerUnreachable):
        error.hint = _AGAIN
    if isinstance(error, Au2Error) and not isinstance(error, _MAY_GO_ON):
        _give_up(session, upload, error)
    elif not isinstance(error, LeaseLost):
        _leave(session, upload)


def _give_up(session: Session, upload: ImageSession, error: Au2Error) -> None:
    """Free the version at once, instead of when the session ends. A courtesy: may fail."""
    session.console.remark(f"The upload was given up; its record: au2 job show {upload.job}")
    try:
        # Ours may be in the middle of a request, in another thread.
        with closing(session.connect(session.entry.token)) as transport:
            abandon_image(transport, upload, as_sentence(error.message))
    except Au2Error as second:
        error.add_note(f"Giving up failed too: {second.message}")


def _leave(session: Session, upload: ImageSession) -> None:
    """Say that nobody sends any more, so that the next command need not wait. A courtesy, too."""
    with closing(session.connect(session.entry.token)) as transport, suppress(Au2Error):
        leave_image(transport, upload)
