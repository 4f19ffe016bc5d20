"""`au2 job output`."""

import click

from au2.cli.commands import define
from au2.cli.completing import complete_jobs
from au2.cli.session import Session


@define("output", examples=("au2 job output 12", "au2 job output 12 -o yaml"), reads=True)
@click.argument("job", type=click.IntRange(min=1), shell_complete=complete_jobs)
def command(session: Session, job: int) -> None:
    """Print what a job wrote as its output: a JSON object."""
    output = session.transport.call("GET", f"/jobs/{job}/output")
    session.terminal.show_document(output)
