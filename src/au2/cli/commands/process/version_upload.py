"""`au2 process version upload`: an image from an archive into its version."""

from pathlib import Path

import click

from au2.cli.command import Session, define
from au2.cli.options import complete_processes, complete_versions
from au2.cli.packages.package_context import find_process
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
    help="The process: GUID or name (else that of the aunsight.yml in the current folder).",
)
@click.option(
    "--ver",
    "number",
    metavar="N",
    shell_complete=complete_versions,
    required=True,
    type=WholeNumber(),
    help="The version, created by `au2 process version create`.",
)
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the archive from stdin.")
@click.option(
    "--file",
    metavar="F",
    type=PathType(exists=True, dir_okay=False, path_type=Path),
    help="Read the archive from this file.",
)
@click.option("--image", metavar="NAME", help="Name of the image, if the archive has several.")
@click.option(
    "--spool",
    metavar="DIR",
    type=PathType(exists=True, file_okay=False, path_type=Path),
    help="Folder where layers from stdin are kept until they are sent (else TMPDIR).",
)
@click.option("--wait", is_flag=True, help="Show the import and wait for it; fail if it fails.")
def command(
    session: Session,
    *,
    process: str | None,
    number: int,
    from_stdin: bool,
    file: Path | None,
    image: str | None,
    spool: Path | None,
    wait: bool,
) -> None:
    """Upload the image of an empty image version.

    The archive may come from `docker save`, `podman save`, `buildah push`, `skopeo copy` or
    `docker buildx --output type=oci`, plain or compressed with gzip or zstd. Only blobs missing on
    the server are sent. If the upload breaks off, give the same command again: the upload resumes
    where it stopped. A job then checks the image; if the check fails, the job's record and log say
    why.
    """
    if from_stdin == (file is not None):
        raise click.UsageError("Give one of --stdin and --file F.")
    if from_stdin and session.console.is_typed:
        stated = "" if process is None else f" --process {process}"
        raise click.UsageError(
            "An image is not read from a keyboard: docker save IMAGE | "
            f"au2 process version upload{stated} --ver {number} --stdin"
        )
    from au2.cli.image_upload import VersionRef, send_image, tell_same
    from au2.cli.jobs.build_wait import tell_default, watch_build
    from au2.cli.jobs.job_wait import exit_unless_succeeded
    from au2.client.images.upload import get_upload_status
    from au2.wire.documents import format_document
    from au2.wire.upload import ImageUploadStatus

    ref = VersionRef(find_process(session, process), number)
    sent = send_image(session, ref, file, image=image, spool=spool)
    ended = None
    if isinstance(sent, ImageUploadStatus):
        ended = tell_same(session, sent, wait=wait)
    elif wait:
        ended = watch_build(session, number, sent, process_id=ref.process_id)
    else:
        tell_default(session, ref.process_id, number, is_built=False)
    if session.console.output_format != "table":
        session.console.show_document(format_document(get_upload_status(session.transport, *ref)))
    if ended is not None:
        exit_unless_succeeded(ended)
