"""`au2 process version download`."""

import click

from au2.cli.arguments import process_argument, version_argument
from au2.cli.commands import define
from au2.cli.output_file import OutputType
from au2.cli.session import Session
from au2.console.parameters import PathType


@define(
    "download",
    examples=(
        "au2 process version download forecast 3 | docker load",
        "au2 process version download forecast 3 -o forecast.tar",
        "au2 process version download forecast 3 --package -o forecast",
    ),
)
@process_argument
@version_argument()
@click.option(
    "-o",
    "--output",
    "target",
    type=PathType(),
    metavar="FILE",
    help="Where to: a file ('-' is stdout, as without it); with --package a folder.",
)
@click.option("--package", is_flag=True, help="The source instead of the image, as a folder.")
def command(
    session: Session, *, process: str, number: int, target: str | None, package: bool
) -> None:
    """Download the image of version N as an archive for `docker load`.

    podman load and skopeo (docker-archive:, oci-archive:) take it too. Its name is
    SERVER/org_ORGANIZATION/process_PROCESS:N.

    With --package, a packaged version gives back the files that were uploaded, in a new or empty
    folder (else ./NAME-N). Uploading that folder makes the next version of the process.
    """
    from au2.cli.lookup import find_process_id

    if package:
        if target == "-":
            raise click.UsageError("With --package, -o names a folder.")
        from au2.cli.process.version.source import download_package

        download_package(session, find_process_id(session, process), number, target)
        return
    output = OutputType().convert(target or "-", None, None)
    if output.path is None and session.console.shows_data:
        raise click.UsageError(
            "An image does not go to a terminal: add -o FILE, or '| docker load'."
        )
    from au2.cli.process.version.image import download_image

    download_image(session, find_process_id(session, process), number, output)
