"""`au2 job wait`."""

import click

from au2.cli.arguments import job_argument
from au2.cli.commands import define
from au2.cli.session import Session


@define("wait", examples=("au2 job wait 12", "au2 job wait 12 --exit-code"))
@job_argument
@click.option("--exit-code", is_flag=True, help="End with the job's own exit code.")
def command(session: Session, job: int, exit_code: bool) -> None:
    """Wait for a job's end, and tell how it ended. Ends with 1 if the job did not succeed."""
    from au2.cli.jobs.outcome import report_and_exit
    from au2.cli.jobs.wait import wait_for_job
    from au2.client.runs.job_status import poll_job

    # Patience is for servers that were there: this fails at once where none is.
    standing = poll_job(session.transport, job)
    if not standing.is_final:
        standing = wait_for_job(session, job)
    report_and_exit(session.console, standing, pass_exit_code=exit_code)
