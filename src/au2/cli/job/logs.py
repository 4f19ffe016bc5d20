"""`au2 job logs`."""

import click

from au2.cli.arguments import job_argument
from au2.cli.commands import define
from au2.cli.session import Session
from au2.console.numbers import WholeNumber


@define(
    "logs",
    examples=("au2 job logs 12", "au2 job logs 12 --follow", "au2 job logs 12 --timestamps"),
    reads=True,
)
@job_argument
@click.option("--follow", is_flag=True, help="Go on until the job ends; fail if it fails.")
@click.option("--attempt", type=WholeNumber(), metavar="N", help="Which attempt (else the newest).")
@click.option("--timestamps", is_flag=True, help="Put the time and the stream before each line.")
@click.option("--exit-code", is_flag=True, help="With --follow: end with the job's exit code.")
def command(
    session: Session,
    job: int,
    *,
    follow: bool,
    attempt: int | None,
    timestamps: bool,
    exit_code: bool,
) -> None:
    """Print a job's log, byte for byte, from its beginning.

    What the program printed to stdout goes to stdout; what it printed to stderr, and remarks of the
    platform, go to stderr. On a terminal, sequences that would steer it are written out; colours
    stay. With -o json or yaml it is a list of records, one a line.
    """
    from au2.cli.jobs.log_output import choose_printer

    if exit_code and not follow:
        raise click.UsageError("--exit-code goes with --follow.")
    show = choose_printer(session.console, timestamps=timestamps)
    if follow:
        from au2.cli.jobs.outcome import report_and_exit
        from au2.cli.jobs.wait import follow_job

        standing = follow_job(session, job, attempt=attempt, show=show.pieces)
        show.end()
        show.begin_remarks()
        report_and_exit(session.console, standing, pass_exit_code=exit_code)
        return
    from au2.cli.outages import make_patience
    from au2.client.runs.job_logs import read_log
    from au2.client.runs.job_status import poll_job
    from au2.client.runs.log_following import LogPiece

    transport, patience = session.transport, make_patience(session.console)
    if attempt is None:
        attempt = poll_job(transport, job).newest_attempt
    for records in read_log(transport, job, attempt=attempt, patience=patience):
        show.pieces([LogPiece(*record) for record in records])
    show.end()
