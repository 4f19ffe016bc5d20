"""`au2 job list`."""

import click

from au2.cli.commands import define
from au2.cli.completing import complete_processes
from au2.cli.job.fields import LIST
from au2.cli.session import Session
from au2.console.numbers import WholeNumber

_STATES = ("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "STOPPED")
_DEFAULT_ITEMS = 50


@define(
    "list",
    examples=(
        "au2 job list",
        "au2 job list --state FAILED --process forecast",
        "au2 job list --type process-upload -o json",
    ),
    reads=True,
)
@click.option(
    "--state", type=click.Choice(_STATES, case_sensitive=False), help="Only those in this state."
)
@click.option(
    "--type", "type_name", metavar="T", help="Only those of this type: run, process-upload."
)
@click.option(
    "--process",
    metavar="P",
    shell_complete=complete_processes,
    help="Only those of this process: GUID or name.",
)
@click.option("--search", metavar="TEXT", help="Only those whose record holds this text.")
@click.option(
    "--limit",
    type=WholeNumber(),
    metavar="N",
    default=_DEFAULT_ITEMS,
    show_default=True,
    help="At most so many.",
)
def command(
    session: Session,
    *,
    state: str | None,
    type_name: str | None,
    process: str | None,
    search: str | None,
    limit: int,
) -> None:
    """List the jobs of the context, newest first."""
    from au2.cli.lookup import find_process_id
    from au2.client.resources.jobs import Jobs
    from au2.domain.job import JobType

    types = {known.rpartition(":")[2]: known.value for known in JobType}
    if type_name is not None and type_name not in {*types, *types.values()}:
        raise click.UsageError(f"--type wants {' or '.join(sorted(types))}, not '{type_name}'.")
    jobs = Jobs(session.transport).list_jobs(
        session.context,
        state=state,
        type_name=types.get(type_name or "", type_name),
        process_id=find_process_id(session, process) if process is not None else None,
        search=search,
        limit=limit,
    )
    session.console.show_list(LIST, [job.model_dump(mode="json") for job in jobs])
