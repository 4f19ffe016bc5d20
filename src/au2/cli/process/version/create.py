"""`au2 process version create`."""

from pathlib import Path

import click

from au2.cli.arguments import process_argument
from au2.cli.commands import define
from au2.cli.process.version.fields import CREATED
from au2.cli.session import Session
from au2.console.parameters import PathType

_FILE = PathType(exists=True, dir_okay=False, path_type=Path)


@define(
    "create",
    examples=(
        "au2 process version create forecast",
        'au2 process version create forecast --description "with the new model"',
        "au2 process version create forecast --args-schema args.schema.yml --env env.yml",
    ),
    reads=True,
)
@process_argument
@click.option("--description", metavar="D", default="", help="What is new in it.")
@click.option(
    "--args-schema",
    metavar="F",
    type=_FILE,
    help="What arguments it takes: JSON Schema in YAML, as args.schema.yml of a package.",
)
@click.option(
    "--out-schema",
    metavar="F",
    type=_FILE,
    help="What its output is like, as out.schema.yml of a package.",
)
@click.option(
    "--env",
    metavar="F",
    type=_FILE,
    help="Default environment variables and secrets, as env.yml of a package.",
)
def command(
    session: Session,
    *,
    process: str,
    description: str,
    args_schema: Path | None,
    out_schema: Path | None,
    env: Path | None,
) -> None:
    """Make an empty version that waits for an image of your own.

    Arguments, output and environment of its runs are then checked and filled in as those of a
    package; they can't be changed later. For a package this command is not needed: `au2 process
    repo upload` makes the version.
    """
    from au2.cli.lookup import find_process_id
    from au2.cli.schema_remarks import remark_on_schemas
    from au2.client.resources.processes import Versions
    from au2.package.contract_files import ContractFiles, read_contract
    from au2.wire.process import VersionCreation
    from au2.wire.violations import build

    contract = read_contract(ContractFiles(args_schema, out_schema, env))
    schemas = {str(args_schema): contract.args_schema, str(out_schema): contract.out_schema}
    remark_on_schemas(session.console, schemas)
    process_id = find_process_id(session, process)
    creation = build(VersionCreation, description=description, **contract._asdict())
    made = Versions(session.transport).create_version(process_id, creation)
    session.console.show_record(CREATED, made.model_dump(mode="json"))
