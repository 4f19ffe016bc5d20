"""`au2 process run`: a run of a version as a job."""

from typing import TYPE_CHECKING

import click

from au2.cli.command import Session, define
from au2.cli.options import latest_option, version_option
from au2.cli.packages.package_context import find_process, own_process_argument
from au2.cli.run_options import RunOptions, run_options

if TYPE_CHECKING:
    from au2.wire.job import JobView, RunCreation


@define(
    "run",
    examples=(
        "au2 process run forecast --follow",
        "au2 process run --follow",
        "au2 process run forecast --ver 3 --arg days=7 --arg region=north --wait",
        "au2 process run forecast --args-file args.json --memory 2GiB --timeout 30m",
        "au2 process run forecast --env REGION=north --secret DB_PASSWORD=reporting-db --wait",
        "au2 process run forecast --wait-for-build --follow",
        "au2 process run forecast --wait --exit-code && echo well done",
    ),
)
@own_process_argument
@version_option
@latest_option
@click.option(
    "--wait-for-build",
    is_flag=True,
    help="If the newest version (or --ver) is being built, wait for the build and run that one.",
)
@run_options(
    argument_help="An argument; may be repeated. V is read by the process's schema: texts as "
    "they are written, other types as JSON. See: au2 process args PROCESS",
    variable_help="A variable that takes the value of a secret; may be repeated.",
)
@click.option("--wait", is_flag=True, help="Wait for the end; fail if the job fails.")
@click.option("--follow", is_flag=True, help="Show the log until the end; fail if the job fails.")
@click.option(
    "--exit-code", is_flag=True, help="With --wait or --follow: end with the job's exit code."
)
def command(
    session: Session,
    *,
    process: str | None,
    version: int | None,
    latest: bool,
    wait_for_build: bool,
    run: RunOptions,
    wait: bool,
    follow: bool,
    exit_code: bool,
) -> None:
    """Run a process: submit a job.

    Without PROCESS, the process of the aunsight.yml in the current folder.

    Without --ver the newest published version runs, or, if none is published, the newest AVAILABLE
    one. If a newer version exists, the command says which one runs, and why. Options left out are
    taken from the version's aunsight.yml and env.yml, and arguments from the defaults of its
    args.schema.yml.

    Which arguments a process takes: au2 process args PROCESS. Without a schema, a process takes
    any arguments, and --arg reads V as JSON if V is JSON (7, true, [1, 2], "7"), else as text.
    Arguments that do not match the schema are refused, and no job is created.

    Ctrl-C while waiting or following leaves the job running. With -o json or yaml, stdout has the
    job's record alone, at its end with --wait or --follow, and the log goes to stderr.
    """
    from au2.client.resources.versions import get_argument_schema
    from au2.wire.job import RunCreation

    if exit_code and not (wait or follow):
        raise click.UsageError("--exit-code goes with --wait or --follow.")
    if latest and version is not None:
        raise click.UsageError("Give --ver or --latest, not both.")
    process_id = find_process(session, process)
    if wait_for_build:
        from au2.cli.jobs.build_wait import await_build

        # From here on the version is named: a later upload does not change which version runs.
        version, latest = await_build(session, process_id, version), False
    creation = RunCreation(
        process=process_id,
        version=version,
        latest=latest,
        arguments=run.read_arguments(
            session.console,
            find_schema=lambda: get_argument_schema(
                session.transport, process_id, version, latest=latest
            ),
            hint=f"See its arguments: au2 process args {process or ''}".rstrip(),
        ),
        environment=run.environment,
        secrets=run.secret_names,
        cpu=run.cpu,
        memory_bytes=run.memory_bytes,
        shared_memory_bytes=run.shared_memory_bytes,
        timeout_seconds=run.timeout_seconds,
        network=run.network,
    )
    _submit(session, creation, wait=wait, follow=follow, pass_exit_code=exit_code)


def _submit(
    session: Session, run: "RunCreation", *, wait: bool, follow: bool, pass_exit_code: bool
) -> None:
    from au2.client.resources.jobs import submit_run
    from au2.wire.documents import format_document

    console = session.console
    job = submit_run(session.transport, session.context, run)
    if not console.makes_document:
        console.line(f"Job submitted: {job.id}")
    if job.version_text is not None:
        from au2.cli.jobs.build_wait import tell_choice

        tell_choice(console, job)
    if not (wait or follow):
        if console.makes_document:
            console.show_document(format_document(job))
        return
    from au2.cli.jobs.job_wait import report_and_exit

    try:
        standing = _await(session, job, follow=follow)
    except click.exceptions.Exit:
        # Interrupted: the job goes on, and its id is in the record only.
        if console.makes_document:
            console.show_document(format_document(job))
        raise
    report_and_exit(console, standing, pass_exit_code=pass_exit_code)


def _await(session: Session, job: "JobView", *, follow: bool) -> "JobView":
    """Return the job at its end; with ``follow``, show its log, in JSON and YAML on stderr."""
    from au2.cli.jobs.job_log import BytePrinter, LogStart
    from au2.cli.jobs.job_wait import follow_job, wait_for_job

    if not follow:
        return wait_for_job(session, job.id)
    printer = BytePrinter(session.console, on_stderr=session.console.makes_document)
    standing = follow_job(session, job.id, show=printer.pieces, start=LogStart(attempt=1))
    printer.end()
    printer.begin_remarks()
    return standing
