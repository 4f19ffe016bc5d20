"""Upload of an image from an archive into its version."""

import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from threading import Event
from typing import BinaryIO, NamedTuple

from au2.cli.command import Session
from au2.cli.image_progress import ImageProgress
from au2.cli.jobs.build_wait import watch_build
from au2.client.images.archive_upload import (
    check_archive,
    find_manifest_digest,
    make_wanted_image,
    send_archive,
)
from au2.client.images.blob_uploader import BlobUploader, Heartbeat
from au2.client.images.blobs import Spool
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
from au2.wire.job import JobView
from au2.wire.upload import ImageUploadStatus, ImageUploadView

_POLL_SECONDS = 1.0
"""Interval of checks whether another command's upload has ended."""
_RESUMABLE = (ServerUnreachable, Conflict, NotAuthenticated)
"""Errors after which the upload is kept, and the same command may resume it."""
_AGAIN = "Give the same command again: the upload resumes where it stopped."


def tell_step(console: Console, text: str) -> None:
    """Print a step on stdout, or on stderr where stdout takes a JSON or YAML document alone."""
    if console.output_format == "table":
        console.line(text)
    else:
        console.remark(text)


class ArchivedImageCheck:
    """Comparison of an archive's image with a version's; the archive is read at most once each."""

    def __init__(self, archive: BinaryIO, image: str | None) -> None:
        """``image``: name of the image, if the archive has several."""
        self._archive = archive
        self._image = image
        self._is_checked = False
        self._digest: str | None = None

    def is_sent(self, standing: ImageUploadStatus) -> bool:
        """Whether the version has the image or is importing it. Raises InvalidImage."""
        wanted = make_wanted_image(self._image, standing)
        if not self._is_checked:
            check_archive(self._archive, wanted)
            self._is_checked = True
        if standing.image_digest is None:
            return False
        if self._digest is None:
            self._digest = find_manifest_digest(self._archive, wanted)
        return self._digest == standing.image_digest


def tell_same(session: Session, standing: ImageUploadStatus, *, wait: bool) -> JobView | None:
    """Print that the version has the image; with ``wait``, return the import's job at its end."""
    is_available = standing.image_status == "AVAILABLE"
    if is_available:
        told = f"Version {standing.version} has this very image already."
    else:
        told = f"This very image is being imported to version {standing.version} already."
    tell_step(session.console, told)
    if is_available or standing.upload_job is None:
        return None
    if not wait:
        session.console.remark(f"Wait for it: au2 job wait {standing.upload_job}")
        return None
    return watch_build(session, standing.version, poll_job(session.transport, standing.upload_job))


class VersionRef(NamedTuple):
    """Process and number of a version to upload to."""

    process_id: str
    version: int


def acquire_upload(
    session: Session, version: VersionRef, is_sent: Callable[[ImageUploadStatus], bool] | None
) -> ImageUploadView | ImageUploadStatus:
    """Begin an upload, once no other command of the same account uploads to the version.

    Args:
        session: of the command.
        version: to upload to.
        is_sent: whether the version has the image already; may raise, and then no upload is begun.
            None: the image is not known before its archive was read.

    Returns:
        The upload, or the version's status if ``is_sent`` holds.

    Raises:
        NotFound, NotPermitted: of the version.
        Conflict: the version has another image, or another account is uploading one.
        ServerUnreachable: at once, or for longer than the retry budget while waiting.
    """
    budget = session.make_retry_budget()
    is_told = False
    while True:
        try:
            if is_sent is not None:
                standing = get_upload_status(session.transport, *version)
                if is_sent(standing):
                    return standing
            return begin_image_upload(session.transport, *version)
        except StillSending as error:
            budget.note_progress()
            if not is_told:
                is_told = True
                told = error.message.rstrip(".")
                session.console.remark(f"{told}; waiting until it ends.")
            time.sleep(_POLL_SECONDS)
        except ServerUnreachable as error:
            if not is_told:
                raise
            budget.wait(error)


def send_image(
    session: Session,
    version: VersionRef,
    file: Path | None,
    *,
    image: str | None,
    spool: Path | None,
) -> JobView | ImageUploadStatus:
    """Send the image; return the job of its import.

    Args:
        session: of the command.
        version: to upload to; stdin is not read before the upload is begun.
        file: the archive; None: stdin.
        image: name of the image, if the archive has several.
        spool: folder for layers that must be kept; None: the usual one.

    Returns:
        The job, or the version's status if the version has the image or is importing it.
    """
    console = session.console
    with ExitStack() as scope:
        archive = console.input_stream() if file is None else scope.enter_context(file.open("rb"))
        is_sent = None if file is None else ArchivedImageCheck(archive, image).is_sent
        upload = acquire_upload(session, version, is_sent)
        if isinstance(upload, ImageUploadStatus):
            return upload
        stop = Event()
        progress = ImageProgress(console, clock=time.monotonic)
        sending = _open(session, upload, stop)
        uploader = BlobUploader(sending, progress, stop=stop)
        scope.enter_context(Heartbeat(session.connect(session.entry.token), upload))
        try:
            if upload.resumed:
                console.remark("Resuming the upload that was begun before.")
            tell_step(console, "Uploading image")
            wanted = make_wanted_image(image, upload)
            kept = Spool(spool, free_space=uploader.finish)
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

    budget = session.make_retry_budget(pause)
    return ImageUploadClient(session.transport, upload, budget, stop=stop)


def _explain(session: Session, upload: ImageUploadView, error: BaseException) -> None:
    """Print how to resume the upload, or abandon an upload without a chance."""
    if isinstance(error, KeyboardInterrupt):
        session.console.remark(f"Interrupted. {_AGAIN}")
    elif isinstance(error, ServerUnreachable):
        error.hint = _AGAIN
    if isinstance(error, Au2Error) and not isinstance(error, _RESUMABLE):
        _give_up(session, upload, error)
    elif not isinstance(error, LeaseLost):
        _leave(session, upload)


def _give_up(session: Session, upload: ImageUploadView, error: Au2Error) -> None:
    """Abandon the upload at once, instead of when its lease ends; a failure is noted only."""
    session.console.remark(f"The upload was given up; its record: au2 job show {upload.upload_job}")
    try:
        # The session's connection may be in the middle of a request, in another thread.
        with closing(session.connect(session.entry.token)) as transport:
            abandon_image_upload(transport, upload, as_sentence(error.message))
    except Au2Error as second:
        error.add_note(f"Giving up failed too: {second.message}")


def _leave(session: Session, upload: ImageUploadView) -> None:
    """End the sender's lease, for the next command; may fail silently."""
    with closing(session.connect(session.entry.token)) as transport, suppress(Au2Error):
        leave_image_upload(transport, upload)
