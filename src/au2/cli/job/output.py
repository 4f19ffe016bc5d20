"""`au2 job output`."""

from au2.cli.arguments import job_argument
from au2.cli.commands import define
from au2.cli.session import Session


@define("output", examples=("au2 job output 12", "au2 job output 12 -o yaml"), reads=True)
@job_argument
def command(session: Session, job: int) -> None:
    """Print what a job wrote as its output: a JSON object."""
    output = session.transport.call("GET", f"/jobs/{job}/output")
    session.console.show_document(output)
