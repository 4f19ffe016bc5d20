"""`au2 process version upload`."""

from pathlib import Path

import click

from au2.cli.command import define
from au2.cli.completing import complete_processes, complete_versions
from au2.cli.session import Session
from au2.console.parameters import PathType, WholeNumber


@define(
    "upload",
    examples=(
        "docker save my-name/my-process | "
        "au2 process version upload --process forecast --ver 3 --stdin --wait",
        "au2 process version upload --process forecast --ver 3 --file image.tar",
        "au2 process version upload --process forecast --ver 3 --file all.tar "
        "--image my-name/my-process",
    ),
    reads=True,
)
@click.option(
    "--process",
    metavar="P",
    shell_complete=complete_processes,
    required=True,
    help="The process: GUID or name.",
)
@click.option(
    "--ver",
    "number",
    metavar="N",
    shell_complete=complete_versions,
    required=True,
    type=WholeNumber(),
    help="Its version, made by `au2 process version create`.",
)
@click.option("--stdin", "from_stdin", is_flag=True, help="The archive comes on stdin.")
@click.option(
    "--file",
    metavar="F",
    type=PathType(exists=True, dir_okay=False, path_type=Path),
    help="The archive is this file.",
)
@click.option("--image", metavar="NAME", help="Which image, if the archive has several.")
@click.option(
    "--spool",
    metavar="DIR",
    type=PathType(exists=True, file_okay=False, path_type=Path),
    help="Where layers from stdin are kept until they are sent (else TMPDIR).",
)
@click.option("--wait", is_flag=True, help="Show the import and wait for it; fail if it fails.")
def command(
    session: Session,
    *,
    process: str,
    number: int,
    from_stdin: bool,
    file: Path | None,
    image: str | None,
    spool: Path | None,
    wait: bool,
) -> None:
    """Upload the image of an empty image version.

    It is taken from an archive as `docker save`, `podman save`, `buildah push`, `skopeo copy` and
    `docker buildx --output type=oci` write it, plain or compressed with gzip or zstd. Only what the
    server does not have is sent. If the upload breaks off, give the same command again: it goes on
    where it was. A job then checks the image; its record and log tell what is wrong, if something
    is.
    """
    if from_stdin == (file is not None):
        raise click.UsageError("Give --stdin or --file F, one of them.")
    if from_stdin and session.console.is_typed:
        raise click.UsageError(
            "An image does not come from a keyboard: docker save IMAGE | "
            f"au2 process version upload --process {process} --ver {number} --stdin"
        )
    from au2.cli.images.image_upload import VersionRef, send_image
    from au2.cli.lookup import find_process_id
    from au2.client.images.upload import get_upload_status
    from au2.wire.documents import format_document
    from au2.wire.image_upload import ImageUploadStatus

    ref = VersionRef(find_process_id(session, process), number)
    sent = send_image(session, ref, file, image=image, spool=spool)
    if isinstance(sent, ImageUploadStatus):
        from au2.cli.images.image_upload import tell_same

        tell_same(session, sent, wait=wait)
    elif wait:
        from au2.cli.packages.follow_build import watch_build

        watch_build(session, number, sent, process_id=ref.process_id)
    else:
        from au2.cli.packages.follow_build import tell_what_runs

        tell_what_runs(session, ref.process_id, number, is_built=False)
    if session.console.output_format != "table":
        session.console.show_document(format_document(get_upload_status(session.transport, *ref)))
