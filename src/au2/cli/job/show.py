"""`au2 job show`."""

from au2.cli.arguments import job_argument
from au2.cli.commands import define
from au2.cli.job.fields import RECORD
from au2.cli.session import Session


@define("show", examples=("au2 job show 12", "au2 job show 12 -o yaml"), reads=True)
@job_argument
def command(session: Session, job: int) -> None:
    """Show a job's record: what it is, how it goes or went, and why it ended."""
    from au2.client.resources.jobs import Jobs

    found = Jobs(session.transport).get_job(job)
    session.console.show_record(RECORD, found.model_dump(mode="json"))
