"""`au2 job stop`."""

import click

from au2.cli.commands import define
from au2.cli.completing import complete_jobs
from au2.cli.session import Session


@define("stop", examples=("au2 job stop 12",))
@click.argument("job", type=click.IntRange(min=1), shell_complete=complete_jobs)
def command(session: Session, job: int) -> None:
    """Stop a job: first politely, after ten seconds by force. Its after.sh still runs."""
    from au2.client.jobs import Jobs

    found = Jobs(session.transport).stop_job(job)
    if found.ended_at is not None:
        session.terminal.remark(f"Job {job} is {found.state}.")
    else:
        session.terminal.remark(f"Job {job} is being stopped; its end: au2 job wait {job}")
