"""`au2 process run`."""

from typing import TYPE_CHECKING, Literal

import click

from au2.cli.command import define
from au2.cli.options import latest_option, process_argument, run_options, version_option
from au2.cli.session import Session

if TYPE_CHECKING:
    from au2.wire.job import RunCreation


@define(
    "run",
    examples=(
        "au2 process run forecast --follow",
        "au2 process run forecast --ver 3 --arg days=7 --arg region=north --wait",
        "au2 process run forecast --args-file args.json --memory 2GiB --timeout 30m",
        "au2 process run forecast --env REGION=north --secret DB_PASSWORD=reporting-db --wait",
        "au2 process run forecast --wait-for-build --follow",
        "au2 process run forecast --wait --exit-code && echo well done",
    ),
)
@process_argument
@version_option
@latest_option
@click.option(
    "--wait-for-build",
    is_flag=True,
    help="If the newest version (or --ver) is being built, wait for it, and run that one.",
)
@run_options(
    argument_help="An argument; may be repeated. V is read as the process's schema says: texts as "
    "they are written, all else as JSON. See: au2 process args PROCESS",
    variable_help="A variable that takes the value of a secret; may be repeated.",
)
@click.option("--wait", is_flag=True, help="Wait for its end; fail if it fails.")
@click.option("--follow", is_flag=True, help="Show its log until its end; fail if it fails.")
@click.option("--exit-code", is_flag=True, help="With --wait or --follow: end with its exit code.")
def command(
    session: Session,
    *,
    process: str,
    version: int | None,
    latest: bool,
    wait_for_build: bool,
    pairs: tuple[str, ...],
    arguments: str | None,
    args_file: str | None,
    variables: tuple[str, ...],
    secrets: tuple[str, ...],
    cpu: float | None,
    memory: str | None,
    shm_size: str | None,
    timeout: str | None,
    network: Literal["internet", "none"] | None,
    wait: bool,
    follow: bool,
    exit_code: bool,
) -> None:
    """Run a process: submit a job.

    Without --ver the newest published version runs, or, if none is published, the newest that is
    AVAILABLE. If there is a newer one, it is said which runs, and why. What is not given comes from
    the version's aunsight.yml and env.yml, and arguments from the defaults of its args.schema.yml.

    Which arguments a process takes: au2 process args PROCESS. Where it has no schema, it takes
    any, and --arg reads V as JSON if it is JSON (7, true, [1, 2], "7"), else as text. Arguments
    that do not match the schema are refused, and no job is made.

    Ctrl-C while waiting or following leaves the job running.
    """
    from au2.cli.lookup import find_process_id
    from au2.cli.run_input import parse_pairs, read_arguments
    from au2.client.resources.versions import get_argument_schema
    from au2.wire.job import RunCreation

    if exit_code and not (wait or follow):
        raise click.UsageError("--exit-code goes with --wait or --follow.")
    if latest and version is not None:
        raise click.UsageError("Give --ver or --latest, not both.")
    process_id = find_process_id(session, process)
    if wait_for_build:
        from au2.cli.packages.follow_build import await_build

        # From here on the version is named: whatever happens meanwhile, it is the one that runs.
        version, latest = await_build(session, process_id, version), False
    run = RunCreation(
        process=process_id,
        version=version,
        latest=latest,
        arguments=read_arguments(
            session.console,
            pairs,
            arguments,
            args_file,
            find_schema=lambda: get_argument_schema(
                session.transport, process_id, version, latest=latest
            ),
            hint=f"See what it takes: au2 process args {process}",
        ),
        environment=dict(parse_pairs(variables, flag="--env")),
        secrets=dict(parse_pairs(secrets, flag="--secret", form="K=NAME")),
        cpu=cpu,
        memory_bytes=_parse_size(memory),
        shared_memory_bytes=_parse_size(shm_size),
        timeout_seconds=_parse_duration(timeout),
        network=network,
    )
    _submit(session, run, wait=wait, follow=follow, pass_exit_code=exit_code)


def _submit(
    session: Session, run: "RunCreation", *, wait: bool, follow: bool, pass_exit_code: bool
) -> None:
    from au2.client.resources.jobs import submit_run

    job = submit_run(session.transport, session.context, run)
    session.console.line(f"Job submitted: {job.id}")
    if job.version_text is not None:
        from au2.cli.packages.follow_build import tell_choice

        tell_choice(session.console, job)
    if not (wait or follow):
        return
    from au2.cli.jobs.log_output import BytePrinter
    from au2.cli.jobs.outcome import report_and_exit
    from au2.cli.jobs.wait import follow_job, wait_for_job

    if follow:
        printer = BytePrinter(session.console)
        standing = follow_job(session, job.id, show=printer.pieces, attempt=1)
        printer.end()
        printer.begin_remarks()
    else:
        standing = wait_for_job(session, job.id)
    report_and_exit(session.console, standing, pass_exit_code=pass_exit_code)


def _parse_size(text: str | None) -> int | None:
    if text is None:
        return None
    from au2.package.sizes import parse_size

    return parse_size(text)


def _parse_duration(text: str | None) -> float | None:
    if text is None:
        return None
    from au2.package.sizes import parse_duration

    return parse_duration(text)
