"""`au2 job`: records, logs and outputs of jobs."""

import json
from datetime import datetime

import click

from au2.cli.command import Session, define
from au2.cli.last_job import find_job, find_job_to_stop, own_job_argument
from au2.cli.options import complete_processes, yes_option
from au2.console.cells import Document, columns
from au2.console.commands import Group
from au2.console.parameters import WholeNumber

command = Group("job", help="Jobs: runs and uploads of processes.")


def _format_phases(document: Document) -> str:
    """One line per phase, one paragraph per attempt."""
    return "\n\n".join(
        "\n".join(_format_phase(phase) for phase in attempt["phases"])
        for attempt in document["attempts"]
        if attempt["phases"]
    )


def _format_phase(phase: Document) -> str:
    if phase["ended_at"] is None:
        return f"{phase['name']}: since {phase['started_at']}"
    begun = datetime.fromisoformat(phase["started_at"])
    seconds = (datetime.fromisoformat(phase["ended_at"]) - begun).total_seconds()
    return f"{phase['name']}: {seconds:.3f} s"


def _format_lines(values: Document | None) -> str:
    return "\n".join(f"{name}: {_format_value(value)}" for name, value in (values or {}).items())


def _format_value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.12g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _format_created_at(document: Document) -> str:
    """Return the time to the second, with a blank where a narrow table can fold."""
    return f"{datetime.fromisoformat(document['created_at']):%Y-%m-%d %H:%M:%SZ}"


LIST = columns(
    "id",
    type=lambda document: str(document["type"]).rpartition(":")[2],
    state="state",
    reason="reason",
    name="name",
    version="version",
    exit_code="exit_code",
    created_at=_format_created_at,
)
"""Fields that fit in 100 columns; the record has all."""

RECORD = columns(
    *("id", "type", "state", "reason", "reason_text", "name", "process", "version"),
    *("organization", "project", "submitted_by", "created_at", "started_at", "ended_at"),
    *("exit_code", "status_text", "progress", "stop_requested_at"),
    version_choice=lambda document: (document.get("version_choice") or {}).get("text"),
    attempts=lambda document: len(document["attempts"]),
    phases=_format_phases,
    arguments="arguments",
    environment=lambda document: _format_lines(document["environment"]),
    secrets=lambda document: _format_lines(document["secrets"]),
    resources=lambda document: _format_lines(document["resources"]),
    used=lambda document: _format_lines((document["attempts"] or [{"used": None}])[-1]["used"]),
    output="output",
)

_STATES = ("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "STOPPED")
_DEFAULT_ITEMS = 50


@define(
    "list",
    group=command,
    examples=(
        "au2 job list",
        "au2 job list --state FAILED --process forecast",
        "au2 job list --type process-upload -o json",
    ),
    reads=True,
)
@click.option(
    "--state", type=click.Choice(_STATES, case_sensitive=False), help="Only jobs in this state."
)
@click.option(
    "--type", "type_name", metavar="T", help="Only jobs of this type: run, process-upload."
)
@click.option(
    "--process",
    metavar="P",
    shell_complete=complete_processes,
    help="Only jobs of this process: GUID or name.",
)
@click.option("--search", metavar="TEXT", help="Only jobs whose record holds this text.")
@click.option(
    "--limit",
    type=WholeNumber(),
    metavar="N",
    default=_DEFAULT_ITEMS,
    show_default=True,
    help="Most jobs listed.",
)
def list_jobs(
    session: Session,
    *,
    state: str | None,
    type_name: str | None,
    process: str | None,
    search: str | None,
    limit: int,
) -> None:
    """List the jobs of the context, newest first."""
    from au2.client.resources.jobs import Jobs
    from au2.domain.job import JobType

    types = {known.rpartition(":")[2]: known.value for known in JobType}
    if type_name is not None and type_name not in {*types, *types.values()}:
        raise click.UsageError(f"--type wants {' or '.join(sorted(types))}, not '{type_name}'.")
    jobs = Jobs(session.transport).list_jobs(
        session.context,
        state=state,
        type_name=types.get(type_name or "", type_name),
        process_id=session.find_process(process) if process is not None else None,
        search=search,
        limit=limit,
    )
    session.show_all(LIST, jobs)


@define(
    "show",
    group=command,
    examples=("au2 job show 12", "au2 job show", "au2 job show 12 -o yaml"),
    reads=True,
)
@own_job_argument
def show(session: Session, job: int | None) -> None:
    """Show a job's record: process and version, progress, outcome.

    Without JOB, the last one that you have submitted in the context.
    """
    from au2.client.resources.jobs import Jobs

    session.show(RECORD, Jobs(session.transport).get_job(find_job(session, job)))


@define(
    "logs",
    group=command,
    examples=("au2 job logs 12", "au2 job logs --follow", "au2 job logs 12 --timestamps"),
    reads=True,
)
@own_job_argument
@click.option("--follow", is_flag=True, help="Continue until the job ends; fail if it fails.")
@click.option(
    "--attempt", type=WholeNumber(), metavar="N", help="Number of the attempt (else the newest)."
)
@click.option("--timestamps", is_flag=True, help="Put the time and the stream before each line.")
@click.option("--exit-code", is_flag=True, help="With --follow: end with the job's exit code.")
def logs(
    session: Session,
    job: int | None,
    *,
    follow: bool,
    attempt: int | None,
    timestamps: bool,
    exit_code: bool,
) -> None:
    """Print a job's log, byte for byte, from its beginning.

    Without JOB, of the last one that you have submitted in the context.

    The program's stdout goes to stdout; its stderr and the platform's remarks go to stderr. On a
    terminal, control sequences are written out; colours stay. With -o json or yaml, the log is a
    list of records, one a line.
    """
    from au2.cli.job_log import choose_printer

    if exit_code and not follow:
        raise click.UsageError("--exit-code goes with --follow.")
    job_id = find_job(session, job)
    show = choose_printer(session.console, timestamps=timestamps)
    if follow:
        from au2.cli.job_wait import follow_job, report_and_exit

        standing = follow_job(session, job_id, attempt=attempt, show=show.pieces)
        show.end()
        show.begin_remarks()
        report_and_exit(session.console, standing, pass_exit_code=exit_code)
        return
    from au2.client.resources.job_logs import read_log
    from au2.client.resources.jobs import poll_job

    transport, budget = session.transport, session.make_retry_budget()
    if attempt is None:
        attempt = poll_job(transport, job_id).newest_attempt
    for records in read_log(transport, job_id, attempt=attempt, budget=budget):
        show.pieces(records)
    show.end()


@define(
    "wait",
    group=command,
    examples=("au2 job wait 12", "au2 job wait", "au2 job wait 12 --exit-code"),
)
@own_job_argument
@click.option("--exit-code", is_flag=True, help="End with the job's own exit code.")
def wait(session: Session, job: int | None, exit_code: bool) -> None:
    """Wait for a job's end and print its outcome. Ends with 1 unless the job succeeded.

    Without JOB, for the last one that you have submitted in the context.
    """
    from au2.cli.job_wait import report_and_exit, wait_for_job
    from au2.client.resources.jobs import poll_job

    job_id = find_job(session, job)
    # Without retries: a server that has not answered once may not exist.
    standing = poll_job(session.transport, job_id)
    if not standing.is_final:
        standing = wait_for_job(session, job_id)
    report_and_exit(session.console, standing, pass_exit_code=exit_code)


@define("stop", group=command, examples=("au2 job stop 12", "au2 job stop"))
@own_job_argument
@yes_option
def stop(session: Session, job: int | None, yes: bool) -> None:
    """Stop a job: by a signal, after ten seconds by force. Its after.sh still runs.

    Without JOB, the last one that you have submitted in the context and that has not ended; which
    one that is, is asked.
    """
    from au2.client.resources.jobs import Jobs

    job_id = find_job_to_stop(session, job, yes=yes)
    found = Jobs(session.transport).stop_job(job_id)
    if found.ended_at is not None:
        session.console.remark(f"Job {job_id} is {found.state}.")
    else:
        session.console.remark(f"Job {job_id} is being stopped; its end: au2 job wait {job_id}")


@define(
    "output",
    group=command,
    examples=("au2 job output 12", "au2 job output", "au2 job output 12 -o yaml"),
    reads=True,
)
@own_job_argument
def output(session: Session, job: int | None) -> None:
    """Print the output of a job: a JSON object.

    Without JOB, of the last run that you have submitted in the context.
    """
    job_id = find_job(session, job, runs_only=True)
    session.console.show_document(session.transport.call("GET", f"/jobs/{job_id}/output"))
