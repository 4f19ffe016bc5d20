"""`au2 job`: records, logs and outputs of jobs."""

import json
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from au2.cli.command import Session, define
from au2.cli.jobs.last_job import find_job, find_job_to_stop, own_job_argument
from au2.cli.options import yes_option
from au2.console.cells import Document, columns
from au2.console.commands import Group
from au2.console.parameters import WholeNumber

if TYPE_CHECKING:
    from collections.abc import Sequence

    from au2.cli.jobs.job_log import BytePrinter, LogStart, RecordPrinter
    from au2.wire.job import SpanView

_MILLISECOND = timedelta(milliseconds=1)

command = Group(
    "job",
    help="Jobs: runs and uploads of processes.",
    summaries={"list": "List the jobs of the context, newest first."},
    addresses={"list": "au2.cli.jobs.job_list:command"},
)


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


@define(
    "show",
    group=command,
    examples=("au2 job show 12", "au2 job show", "au2 job show 12 -o yaml"),
    reads=True,
)
@own_job_argument
def show(session: Session, job: int | None) -> None:
    """Show a job's record: process and version, progress, outcome.

    Without JOB, your last job of the context.
    """
    from au2.client.resources.jobs import Jobs

    session.show(RECORD, Jobs(session.transport).get_job(find_job(session, job)))


_TIMELINE = columns("phase", "attempt", "after", "took")


@define(
    "why",
    group=command,
    examples=("au2 job why", "au2 job why 12", "au2 job why 12 -o json"),
    reads=True,
)
@own_job_argument
def why(session: Session, job: int | None) -> None:
    """Say why a job waits, runs or ended: one sentence, and where its time went.

    Without JOB, of your last job of the context. The code in brackets is stable, for programs. Of
    each phase the table has how long after the submission it began, and its length.
    """
    from au2.client.resources.jobs import Jobs
    from au2.wire.documents import format_document

    found = Jobs(session.transport).explain_job(find_job(session, job))
    console = session.console
    if console.makes_document:
        console.show_document(format_document(found))
        return
    sentence = f"Job {found.job} {found.state} ({found.code}): {found.text}"
    # Code has a hand in these texts: a line of its own would pass for one of ours.
    for text in (sentence, found.hint or ""):
        if text:
            console.line(" ".join(text.split()))
    console.show_list(_TIMELINE, _format_timeline(found.timeline))


def _format_timeline(timeline: "Sequence[SpanView]") -> list[Document]:
    begun = timeline[0].started_at if timeline else None
    return [
        {
            "phase": span.name,
            "attempt": span.attempt,
            "after": f"{max((span.started_at - begun) // _MILLISECOND, 0)} ms" if begun else None,
            "took": f"{span.milliseconds} ms{' so far' if span.is_open else ''}",
        }
        for span in timeline
    ]


@define(
    "logs",
    group=command,
    examples=(
        "au2 job logs 12",
        "au2 job logs -f",
        "au2 job logs 12 --tail 100",
        "au2 job logs 12 --since 10m --timestamps",
    ),
)
@own_job_argument
@click.option("-f", "--follow", is_flag=True, help="Continue until the job ends; fail if it fails.")
@click.option("--tail", type=WholeNumber(0), metavar="N", help="Begin N lines before the end.")
@click.option(
    "--since",
    metavar="T",
    help="Begin at a time (2026-11-30T20:06, 2026-11-30T20:06Z), or that long ago (90s, 10m, 2h).",
)
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
    tail: int | None,
    since: str | None,
    attempt: int | None,
    timestamps: bool,
    exit_code: bool,
) -> None:
    """Print a job's log, byte for byte, from its beginning.

    Without JOB, of your last job of the context.

    The program's stdout goes to stdout; its stderr and the platform's remarks go to stderr. On a
    terminal, control sequences are written out; colours stay. With -o json or yaml, the log is a
    list of records, one a line.
    """
    from au2.cli.jobs.job_log import LogStart, choose_printer, parse_since

    if exit_code and not follow:
        raise click.UsageError("--exit-code goes with --follow.", click.get_current_context())
    start = LogStart(attempt, tail, None if since is None else parse_since(since))
    job_id = find_job(session, job)
    with closing(
        choose_printer(session.console, timestamps=timestamps, is_whole=not follow)
    ) as show:
        if follow:
            _follow(session, job_id, start, show, pass_exit_code=exit_code)
            return
        from au2.client.resources.job_logs import read_log

        transport, budget = session.transport, session.make_retry_budget()
        number, offset = start.find(transport, job_id)
        found = read_log(transport, job_id, attempt=number, budget=budget, offset=offset)
        for records in found:
            show.pieces(records)
        show.end()


def _follow(
    session: Session,
    job_id: int,
    start: "LogStart",
    show: "BytePrinter | RecordPrinter",
    *,
    pass_exit_code: bool,
) -> None:
    """Print the log until the job's end; fail the command unless the job succeeded."""
    from au2.cli.jobs.job_wait import exit_unless_succeeded, follow_job, report_outcome

    try:
        standing = follow_job(session, job_id, start=start, show=show.pieces)
    finally:
        # Also before an error: what was printed is a whole list.
        show.end()
    show.begin_remarks()
    report_outcome(session.console, standing)
    exit_unless_succeeded(standing, pass_exit_code=pass_exit_code)


@define(
    "wait",
    group=command,
    examples=("au2 job wait 12", "au2 job wait", "au2 job wait 12 --exit-code"),
)
@own_job_argument
@click.option("--exit-code", is_flag=True, help="End with the job's own exit code.")
def wait(session: Session, job: int | None, exit_code: bool) -> None:
    """Wait for a job's end and print its outcome. Ends with 1 unless the job succeeded.

    Without JOB, for your last job of the context.
    """
    from au2.cli.jobs.job_wait import report_and_exit, wait_for_job
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

    Without JOB, your last unfinished job of the context, after a question.
    """
    from au2.client.resources.jobs import Jobs
    from au2.wire.documents import format_document

    job_id = find_job_to_stop(session, job, yes=yes)
    found = Jobs(session.transport).stop_job(job_id)
    if found.ended_at is not None:
        told = f"Job {job_id} is {found.state}."
    else:
        told = f"Job {job_id} is being stopped; its end: au2 job wait {job_id}"
    session.console.report(told, format_document(found))


@define(
    "output",
    group=command,
    examples=("au2 job output 12", "au2 job output", "au2 job output 12 -o yaml"),
    reads=True,
)
@own_job_argument
def output(session: Session, job: int | None) -> None:
    """Print the output of a job: a JSON object.

    Without JOB, of your last run of the context.
    """
    job_id = find_job(session, job, runs_only=True)
    session.console.show_document(session.transport.call("GET", f"/jobs/{job_id}/output"))
