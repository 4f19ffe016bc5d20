"""Sending a package: the three lines of the manual page, and progress."""

import time

from au2.cli.progress import UploadProgress, format_bytes
from au2.cli.session import Session
from au2.client.packages import LoadedPackage
from au2.client.running import JobStanding
from au2.client.uploads import (
    UploadPlan,
    UploadSession,
    abandon_upload,
    begin_upload,
    complete_upload,
    send_contents,
)
from au2.domain.errors import Au2Error, NotFound


def send_package(session: Session, package: LoadedPackage, process_id: str | None) -> JobStanding:
    """Upload ``package`` as a version of the process (None: a new one); return the build's job."""
    terminal = session.terminal
    plan = _plan(package, process_id)
    try:
        upload = begin_upload(session.transport, session.context, plan)
    except NotFound as error:
        if process_id is not None and error.hint is None:
            error.hint = f"If process {process_id} is gone, upload with --new."
        raise
    terminal.line(f"Version created: {upload.version}")
    if process_id is None or package.process_id(session.context) is None:
        # Another process that was named for once does not take the place of the package's own.
        package.remember_process(session.context, upload.process)
    terminal.line("Uploading package")
    try:
        job = _send(session, upload, plan) or complete_upload(session.transport, upload)
    except (Au2Error, KeyboardInterrupt) as error:
        _give_up(session, upload, error)
        raise
    terminal.line(f"Job submitted: {job.id}")
    return job


def _plan(package: LoadedPackage, process_id: str | None) -> UploadPlan:
    manifest = package.manifest
    return UploadPlan(
        process=process_id,
        name=manifest.name,
        description=manifest.description,
        runtime=manifest.runtime,
        runtime_version=manifest.runtime_version,
        files=package.files.entries,
    )


def _send(session: Session, upload: UploadSession, plan: UploadPlan) -> JobStanding | None:
    sizes = {file.sha256: file.size_bytes for file in plan.files if file.type == "file"}
    total_bytes = sum(sizes.get(digest, 0) for digest in upload.lacking)
    there_bytes = sum(sizes.values()) - total_bytes
    files_there = len(sizes) - len(upload.lacking)
    progress = UploadProgress(
        session.terminal,
        total_bytes=total_bytes,
        skipped=f"the server had {files_there} of {len(sizes)} files ({format_bytes(there_bytes)})",
        clock=time.monotonic,
    )
    try:
        return send_contents(session.transport, upload, plan, progress.advance)
    finally:
        progress.finish()


def _give_up(session: Session, upload: UploadSession, error: BaseException) -> None:
    """Free the version's upload at once, instead of when its lease ends. A courtesy: may fail."""
    session.terminal.remark(f"The upload was given up; its record: au2 job show {upload.job}")
    try:
        abandon_upload(session.transport, upload)
    except Au2Error as second:
        error.add_note(f"Giving up failed too: {second.message}")
