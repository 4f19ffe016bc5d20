"""Builds of versions: waiting, log and phases, and the default version of runs."""

from collections.abc import Sequence

from au2.cli.command import Session
from au2.cli.jobs.job_log import LogStart
from au2.cli.jobs.job_wait import (
    follow_job,
    report_and_exit,
    report_outcome,
    wait_for_job,
)
from au2.client.resources.versions import DEFAULT, NEWEST, get_version
from au2.console.console import Console
from au2.domain.errors import Au2Error
from au2.domain.wording import format_seconds
from au2.stores.logs.record import Record
from au2.wire.job import JobView
from au2.wire.process import VersionView


def await_build(session: Session, process_id: str, number: int | None) -> int:
    """Wait until a version has its image; return its number. Fails the command with the build.

    ``number``: None is the newest version with an upload.
    """
    which = NEWEST if number is None else str(number)
    version = get_version(session.transport, process_id, which)
    if version.is_in_the_works and version.upload_job is not None:
        job_id = version.upload_job
        session.console.remark(f"Waiting for the build of version {version.version}: job {job_id}.")
        built = wait_for_job(session, job_id)
        if not built.succeeded:
            report_and_exit(session.console, built)
    return version.version


def tell_choice(console: Console, job: JobView) -> None:
    """Print which version a job runs, if a newer one exists, and how to run the newer one."""
    if job.version_text is None:
        return
    console.remark(job.version_text)
    statuses = {version.image_status: version for version in job.newer}
    if "AVAILABLE" in statuses:
        console.remark("hint: --latest runs the newest that is AVAILABLE.")
    for status in ("UPLOADING", "BUILDING"):
        if status in statuses:
            number = statuses[status].version
            console.remark(f"hint: --wait-for-build waits for version {number} and runs it.")
    failed = statuses.get("FAILED")
    if failed is not None and failed.upload_job is not None:
        console.remark(f"hint: See what failed: au2 job show {failed.upload_job}")


def tell_default(session: Session, process_id: str, number: int, *, is_built: bool) -> None:
    """After an upload, print the default version of runs unless it is ``number``. Never fails."""
    default = _find_default(session, process_id)
    run = f"au2 process run {process_id}"
    if default is not None and default.version == number:
        return
    if default is not None and default.is_published:
        ready = "" if is_built else " --wait-for-build"
        session.console.remark(
            f"Version {default.version} is published, so runs take that one. "
            f"Run this one: {run} --ver {number}{ready}"
        )
        if is_built:
            publish = f"au2 process version publish {process_id} {number}"
            session.console.remark(f"Make it the default: {publish}")
    elif not is_built:
        meanwhile = f"Until the build ends, version {default.version} runs. " if default else ""
        session.console.remark(f"{meanwhile}Run it after the build: {run} --wait-for-build")


def _find_default(session: Session, process_id: str) -> VersionView | None:
    try:
        return get_version(session.transport, process_id, DEFAULT)
    except Au2Error:
        # No version has an image, or the server is unreachable: no reason to fail after an upload.
        return None


def watch_build(
    session: Session,
    version: int,
    job: JobView,
    *,
    process_id: str | None = None,
    tells_default: bool = True,
) -> JobView:
    """Show the log of the version's job on stderr until the job ends; return the job.

    The outcome is printed. In JSON and YAML, the log is shown on a terminal only.

    Args:
        session: of the command.
        version: number of the version.
        job: that builds or imports it.
        process_id: if given, the default version of runs is printed, too.
        tells_default: whether that is printed after a success.
    """
    console = session.console
    is_shown = console.can_animate or not console.makes_document

    def show(pieces: Sequence[Record]) -> None:
        for piece in pieces:
            console.bytes_err(piece.printed if is_shown else b"")
        console.flush()

    start = LogStart(attempt=job.newest_attempt)
    built = follow_job(session, job.id, show=show, start=start)
    if not built.succeeded:
        report_outcome(console, built)
        default = None if process_id is None else _find_default(session, process_id)
        if default is not None:
            console.remark(f"Runs take version {default.version}, as before.")
        return built
    phases = ", ".join(f"{phase.name} {format_seconds(phase.seconds)}" for phase in built.phases)
    console.remark(f"Version {version} is AVAILABLE ({phases}).")
    if process_id is not None and tells_default:
        tell_default(session, process_id, version, is_built=True)
    return built
