"""Upload of a package as a version: question, progress and printed steps."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar

from au2.cli.command import Session
from au2.cli.packages.package_remarks import remark_on_contents
from au2.client.packages.local_package import LoadedPackage
from au2.client.packages.upload import (
    UploadPlan,
    abandon_upload,
    begin_upload,
    compare_package,
    complete_upload,
    send_contents,
)
from au2.console.progress import TransferProgress
from au2.domain.errors import Au2Error, NotFound, UnexpectedAnswer
from au2.domain.wording import format_bytes
from au2.wire.job import JobView
from au2.wire.upload import NO_PROCESS, UploadComparison, UploadView


class SentPackage(NamedTuple):
    """Process (GUID), version and build job of a completed upload."""

    process: str
    version: int
    job: JobView | None
    """None: nothing was sent, as the newest version equals the package; it is AVAILABLE."""


def confirm_upload(
    session: Session, package: LoadedPackage, plan: UploadPlan
) -> UploadPlan | SentPackage:
    """Ask whether to upload; return the plan bound to the confirmed process.

    Where the newest version equals the package, nothing is asked; that version is printed and
    returned.
    """
    comparison = _ask_server(plan, partial(compare_package, session.transport, session.context))
    known = None if plan.force else _tell_known(session, package, plan, comparison)
    if known is not None:
        return known
    name = package.manifest.name
    remark_on_contents(session.console, package.files)
    if comparison.process is not None:
        session.console.confirm(f"Create a new version of process '{name}' ({comparison.process})?")
    elif plan.new:
        session.console.confirm(f"Create a new process '{name}'?")
    else:
        session.console.confirm(f"There is no process '{name}' here yet. Create it?")
    if plan.process is not None or plan.new:
        return plan
    return plan._replace(expected_process=comparison.process or NO_PROCESS)


def send_package(session: Session, package: LoadedPackage, plan: UploadPlan) -> SentPackage:
    """Upload ``package``, unless the newest version equals it, which is printed."""
    console = session.console
    upload = _ask_server(plan, partial(begin_upload, session.transport, session.context))
    if isinstance(upload, UploadComparison):
        known = _tell_known(session, package, plan, upload)
        if known is None:
            raise UnexpectedAnswer
        return known
    console.line(f"Version created: {upload.version}")
    _remember(session, package, plan, upload.process)
    _tell_runtime(session, plan, upload)
    console.line("Uploading package")
    try:
        job = _send(session, upload, plan)
    except (Au2Error, KeyboardInterrupt) as error:
        _give_up(session, upload, error)
        raise
    console.line(f"Job submitted: {job.id}")
    return SentPackage(upload.process, upload.version, job)


def make_plan(
    package: LoadedPackage, process_id: str | None, *, new: bool, force: bool, message: str = ""
) -> UploadPlan:
    """Return the plan of an upload.

    Args:
        package: to upload.
        process_id: None: the process of the package's name.
        new: whether to create another process of that name.
        force: whether to create a version of an unchanged package.
        message: description of the version.
    """
    manifest = package.manifest
    return UploadPlan(
        process=process_id,
        name=manifest.name,
        description=manifest.description,
        version_description=message,
        runtime=manifest.runtime,
        runtime_version=manifest.runtime_version,
        files=package.files.entries,
        force=force,
        new=new,
    )


_Answer = TypeVar("_Answer")


def _ask_server(plan: UploadPlan, ask: Callable[[UploadPlan], _Answer]) -> _Answer:
    try:
        return ask(plan)
    except NotFound as error:
        if plan.process is not None and error.hint is None:
            error.hint = f"If process {plan.process} was deleted, upload with --new."
        raise


def _tell_known(
    session: Session, package: LoadedPackage, plan: UploadPlan, comparison: UploadComparison
) -> SentPackage | None:
    process_id, number = comparison.process, comparison.equal_version
    if process_id is None or number is None:
        return None
    _remember(session, package, plan, process_id)
    session.console.line(f"Unchanged: version {number} is this package already")
    session.console.remark("Create a new version all the same with --force.")
    if plan.version_description:
        session.console.remark(
            "Its description stays. Change it with: "
            f"au2 process version update {process_id} {number} --description TEXT"
        )
    return SentPackage(process_id, number, None)


def _remember(session: Session, package: LoadedPackage, plan: UploadPlan, process_id: str) -> None:
    # A process named by --process does not replace the package's own.
    if plan.process is None or package.process_id(session.context) is None:
        package.remember_process(session.context, process_id)


def _tell_runtime(session: Session, plan: UploadPlan, upload: UploadView) -> None:
    used, newest = upload.runtime_version, upload.newest_runtime_version
    if used is not None and newest is not None and used < newest:
        session.console.remark(
            f"Built on version {used} of runtime '{plan.runtime}', as aunsight.yml asks; "
            f"the newest is {newest}."
        )


def _send(session: Session, upload: UploadView, plan: UploadPlan) -> JobView:
    sizes = {file.sha256: file.size_bytes for file in plan.files if file.type == "file"}
    total_bytes = sum(sizes.get(digest, 0) for digest in upload.missing)
    there_bytes = sum(sizes.values()) - total_bytes
    files_there = len(sizes) - len(upload.missing)
    progress = TransferProgress(session.console, "Sent", total_bytes=total_bytes)
    transport, budget = session.transport, session.make_retry_budget()
    try:
        job = send_contents(transport, upload, plan, progress.advance, budget)
    finally:
        there = format_bytes(there_bytes)
        progress.finish(f"the server had {files_there} of {len(sizes)} files ({there})")
    return job or complete_upload(transport, upload, budget)


def _give_up(session: Session, upload: UploadView, error: BaseException) -> None:
    """Abandon the upload at once, instead of when its lease ends; a failure is noted only."""
    session.console.remark(f"The upload was given up; its record: au2 job show {upload.upload_job}")
    try:
        abandon_upload(session.transport, upload)
    except Au2Error as second:
        error.add_note(f"Giving up failed too: {second.message}")
