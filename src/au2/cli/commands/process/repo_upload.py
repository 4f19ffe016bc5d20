"""`au2 process repo upload`: a package as a new version of its process."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from au2.cli.command import Session, define
from au2.cli.options import complete_processes, package_argument, yes_option

if TYPE_CHECKING:
    from au2.cli.packages.package_upload import SentPackage
    from au2.client.packages.local_package import LoadedPackage
    from au2.wire.job import JobView


@define(
    "upload",
    examples=(
        "au2 process repo upload",
        "au2 process repo upload --plan",
        'au2 process repo upload -m "with the new model" --publish',
        "au2 process repo upload forecast --yes --wait",
        "au2 process repo upload --process eadf98c2-8e85-46ae-b81a-640d9d326109",
    ),
)
@package_argument()
@click.option(
    "--process",
    metavar="P",
    shell_complete=complete_processes,
    help="The process to add a version to: GUID or name.",
)
@click.option(
    "-m",
    "--message",
    metavar="TEXT",
    default="",
    help="The news in this version: its description, in Markdown.",
)
@click.option("--new", is_flag=True, help="Create a new process, even if one has that name.")
@click.option("--force", is_flag=True, help="Create a new version even if nothing has changed.")
@click.option("--plan", is_flag=True, help="Show what would be uploaded. Nothing is sent.")
@yes_option
@click.option("--wait", is_flag=True, help="Show the build and wait for it; fail if it fails.")
@click.option(
    "--publish", is_flag=True, help="Wait for the build, then publish the version it made."
)
def command(
    session: Session,
    *,
    directory: Path,
    process: str | None,
    message: str,
    new: bool,
    force: bool,
    plan: bool,
    yes: bool,
    wait: bool,
    publish: bool,
) -> None:
    """Upload a package as a new version of its process.

    The process is found by its id in aunsight.yml, else by its name in the context, else created;
    of several concurrent uploads, only the first creates a process. Only files missing on the
    server are sent. A package equal to the newest version makes no new version. A job then builds
    the image; if the build fails, the job's record and log say why, and nothing is published.

    Files that may hold secrets (.env, private keys, .aws/, .ssh/) are left out unless .auignore
    includes them; each is named, with the line to include it.
    """
    from au2.cli.packages.package_remarks import remark_on_files, remark_on_schemas, show_plan
    from au2.cli.packages.package_upload import confirm_upload, make_plan, send_package
    from au2.client.packages.local_package import load_package
    from au2.client.packages.upload import UploadPlan

    if process is not None and new:
        raise click.UsageError("Give --process or --new, not both.")
    package = load_package(directory)
    remark_on_schemas(session.console, package.schemas)
    remark_on_files(session.console, package.files)
    if plan:
        show_plan(session.console, package.files)
        return
    process_id = _find_process(session, package, stated=process, new=new)
    wanted = make_plan(package, process_id, new=new, force=force, message=message)
    agreed = wanted if yes else confirm_upload(session, package, wanted)
    sent = send_package(session, package, agreed) if isinstance(agreed, UploadPlan) else agreed
    _finish(session, sent, wait=wait, publish=publish)


def _finish(session: Session, sent: "SentPackage", *, wait: bool, publish: bool) -> None:
    """Wait for the build and publish, as far as asked for; show the result."""
    from au2.cli.jobs.build_wait import tell_default, watch_build
    from au2.cli.jobs.job_wait import exit_unless_succeeded

    job = sent.job
    if job is None:
        pass  # The version is AVAILABLE.
    elif wait or publish:
        job = watch_build(
            session, sent.version, job, process_id=sent.process, tells_default=not publish
        )
    else:
        tell_default(session, sent.process, sent.version, is_built=False)
    is_published = publish and (job is None or job.succeeded)
    if is_published:
        from au2.client.resources.processes import Versions  # slow, and rarely needed

        Versions(session.transport).publish(sent.process, sent.version)
        session.console.remark(f"Version {sent.version} is published.")
    if session.console.makes_document:
        session.console.show_document(_format_result(sent, job, is_published=is_published))
    if job is not None and (wait or publish):
        exit_unless_succeeded(job)


def _format_result(
    sent: "SentPackage", job: "JobView | None", *, is_published: bool
) -> dict[str, object]:
    """Return the document of an upload; without a job, the version was there before."""
    return {
        "process": sent.process,
        "version": sent.version,
        "unchanged": job is None,
        "published": is_published,
        "job": None if job is None else job.id,
        "state": None if job is None else job.state,
        "reason": None if job is None else job.reason,
        "reason_text": None if job is None else job.reason_text,
    }


def _find_process(
    session: Session, package: "LoadedPackage", *, stated: str | None, new: bool
) -> str | None:
    """Return the process's id; None: the server takes a process of the package's name."""
    if new:
        return None
    if stated is not None:
        return session.find_process(stated)
    return package.process_id(session.context)
