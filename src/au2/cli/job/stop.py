"""`au2 job stop`."""

from au2.cli.arguments import job_argument
from au2.cli.commands import define
from au2.cli.session import Session


@define("stop", examples=("au2 job stop 12",))
@job_argument
def command(session: Session, job: int) -> None:
    """Stop a job: first politely, after ten seconds by force. Its after.sh still runs."""
    from au2.client.resources.jobs import Jobs

    found = Jobs(session.transport).stop_job(job)
    if found.ended_at is not None:
        session.console.remark(f"Job {job} is {found.state}.")
    else:
        session.console.remark(f"Job {job} is being stopped; its end: au2 job wait {job}")
