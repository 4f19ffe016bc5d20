"""An image on its way from an archive to its version: what is printed, what is told on failure."""

import time
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import NamedTuple

from au2.cli.image_progress import ImageProgress
from au2.cli.session import Session
from au2.client.image_archives import Wanted, send_archive
from au2.client.image_shipment import Heartbeat, Shipment
from au2.client.image_uploads import ImageSession, ImageUpload, abandon_image, begin_image
from au2.client.patience import Patience
from au2.client.running import JobStanding
from au2.client.spool import find_spool_directory
from au2.domain.errors import Au2Error, InvalidImage, ServerUnreachable

"""Of the servers that there are."""
_AGAIN = "Give the same command again: it goes on where it was."


class Place(NamedTuple):
    """Where an image goes."""

    process_id: str
    version: int


def send_image(
    session: Session, place: Place, file: Path | None, *, image: str | None, spool: Path | None
) -> JobStanding:
    """Send the image; return the job that imports it.

    Args:
        session: of the command.
        place: the version; it is asked for before anything is read.
        file: the archive; None: stdin.
        image: its name, if the archive has several.
        spool: folder for layers that must be kept; None: the usual one.
    """
    terminal = session.terminal
    with ExitStack() as scope:
        archive = terminal.input_stream() if file is None else scope.enter_context(file.open("rb"))
        upload = begin_image(session.transport, *place)
        stop = Event()
        progress = ImageProgress(terminal, clock=time.monotonic)
        shipment = Shipment(_open(session, upload, stop), progress, stop=stop)
        scope.enter_context(Heartbeat(session.connect(session.entry.token), upload))
        try:
            if upload.resumed:
                terminal.remark("Going on with the upload that was begun before.")
            terminal.line("Uploading image")
            wanted = Wanted(image, upload.architecture)
            job = send_archive(archive, wanted, shipment, find_spool_directory(spool))
        except (Au2Error, KeyboardInterrupt) as error:
            progress.finish()
            _explain(session, upload, shipment, error)
            raise
        progress.finish()
    terminal.line(f"Job submitted: {job.id}")
    return job


def _open(session: Session, upload: ImageSession, stop: Event) -> ImageUpload:
    def tell_outage(seconds: float) -> None:
        until = time.strftime("%H:%M:%S", time.localtime(time.time() + seconds))
        session.terminal.remark(f"The server does not answer; trying again until {until} …")

    patience = Patience(pause=stop.wait, clock=time.monotonic, on_outage=tell_outage)
    return ImageUpload(session.transport, upload, patience, stop=stop)


def _explain(
    session: Session, upload: ImageSession, shipment: Shipment, error: BaseException
) -> None:
    """Say how to go on; give up what can't get better by going on."""
    if isinstance(error, KeyboardInterrupt):
        session.terminal.remark(f"Interrupted. {_AGAIN}")
    elif isinstance(error, ServerUnreachable):
        error.hint = _AGAIN
    elif isinstance(error, InvalidImage):
        shipment.stop()
        _give_up(session, upload, error)


def _give_up(session: Session, upload: ImageSession, error: BaseException) -> None:
    """Free the version at once, instead of when the session ends. A courtesy: may fail."""
    session.terminal.remark(f"The upload was given up; its record: au2 job show {upload.job}")
    try:
        abandon_image(session.transport, upload)
    except Au2Error as second:
        error.add_note(f"Giving up failed too: {second.message}")
