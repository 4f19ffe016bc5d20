"""`au2 process update`."""

import click

from au2.cli.arguments import process_argument
from au2.cli.commands import define
from au2.cli.process.fields import RECORD
from au2.cli.session import Session


@define(
    "update",
    examples=("au2 process update forecast --name forecast-weekly --tag weekly",),
    reads=True,
)
@process_argument
@click.option("--name", metavar="N", help="Its new name.")
@click.option("--description", metavar="D", help="Its new description, in Markdown.")
@click.option("--tag", "tags", metavar="T", multiple=True, help="Its new tags; may be repeated.")
@click.option("--no-tags", is_flag=True, help="Take all tags away.")
def command(
    session: Session,
    *,
    process: str,
    name: str | None,
    description: str | None,
    tags: tuple[str, ...],
    no_tags: bool,
) -> None:
    """Change a process's name, description or tags. What is not given stays."""
    from au2.cli.lookup import find_process_id
    from au2.client.resources.processes import Processes
    from au2.wire.process import ProcessUpdate
    from au2.wire.violations import build

    if tags and no_tags:
        raise click.UsageError("Give --tag or --no-tags, not both.")
    if name is None and description is None and not tags and not no_tags:
        raise click.UsageError("Nothing to change: give --name, --description, --tag or --no-tags.")
    new_tags = list(tags) if tags or no_tags else None
    update = build(ProcessUpdate, name=name, description=description, tags=new_tags)
    calls = Processes(session.transport)
    changed = calls.update_process(find_process_id(session, process), update)
    session.console.show_record(RECORD, changed.model_dump(mode="json"))
