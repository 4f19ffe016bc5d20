"""`au2 process version download`: the image as an archive, or the source as a folder."""

import re
import shlex
import stat
from pathlib import Path

import click

from au2.cli.command import define
from au2.cli.options import process_argument, version_argument
from au2.cli.output_file import Output, OutputType
from au2.cli.session import Session
from au2.client.packages.package_folder import ensure_no_content, fill_folder, unpack_package
from au2.client.resources.processes import Processes
from au2.client.resources.versions import Download, open_download
from au2.console.parameters import PathType
from au2.console.progress import TransferProgress
from au2.domain.context import Context
from au2.domain.errors import InvalidPackage, UnexpectedAnswer
from au2.files.errors import convert_file_errors
from au2.files.output import write_output
from au2.package import names
from au2.package.manifest import context_key
from au2.package.process_ids import set_process_id
from au2.package.text import read_text
from au2.wire.process import ProcessView

_BLOCK_BYTES = 1 << 20


def _download_image(session: Session, process_id: str, number: int, output: Output) -> None:
    """Write the archive of a version to ``output``.

    Raises:
        Au2Error: it can't be had, or not be written; then no half of it is left in a file.
    """
    console = session.console
    with open_download(session.transport, process_id, number, "archive") as download:
        progress = TransferProgress(console, "Received", total_bytes=download.size_bytes)
        try:
            with output.open(console) as write:
                while block := download.read(_BLOCK_BYTES):
                    write(block)
                    progress.advance(len(block))
        finally:
            progress.finish()
    if output.path is not None:
        where = shlex.quote(str(output.path))
        console.remark(f"The image is in '{output.path}'. Load it with: docker load -i {where}")


_UNSAFE = re.compile(r"[^\w.-]+")


_NAME_CHARACTERS = 80


def download_package(session: Session, process_id: str, number: int, target: str | None) -> None:
    """Write the package of a version to the folder ``target``, or one named after the process.

    Raises:
        InvalidRequest: the folder is not empty, or the version is an image.
        Au2Error: it can't be had, or not be written; then nothing of it is left.
    """
    process = Processes(session.transport).get_process(process_id)
    directory = Path(target or f"{safe_name(process.name)}-{number}")
    # Before anything is asked for, and again when the folder is made.
    ensure_no_content(directory)
    with open_download(session.transport, process_id, number, "package") as download:
        progress = TransferProgress(session.console, "Received", total_bytes=download.size_bytes)
        try:
            with fill_folder(directory) as incoming:
                count = unpack_package(_Counted(download, progress), incoming)
                _remember_process(session, process, incoming)
        finally:
            progress.finish()
    noun = "file" if count == 1 else "files"
    session.console.remark(f"The package is in '{directory}': {count} {noun}.")


def safe_name(name: str) -> str:
    """Return a process's name as that of a folder, on every system."""
    return _UNSAFE.sub("-", name)[:_NAME_CHARACTERS].strip("-.") or "process"


class _Counted:
    """Tells what was read."""

    def __init__(self, download: Download, progress: TransferProgress) -> None:
        self._download = download
        self._progress = progress

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, nothing at the end."""
        data = self._download.read(size)
        self._progress.advance(len(data))
        return data


def _remember_process(session: Session, process: ProcessView, directory: Path) -> None:
    """Write the process's id into ``aunsight.yml``, so that an upload makes its next version.

    What was uploaded had no ids, and by its name alone the process might not be found: names may
    be shared. The id is written for the context that is set, if the process can be used there.
    """
    own = Context(process.organization, process.project)
    present = session.entry.context
    context = present if present is not None and present.sees(own) else own
    path = directory / names.MANIFEST
    if not path.is_file():
        raise UnexpectedAnswer(f"The server sent a package without {names.MANIFEST}.")
    key = context_key(context.organization_id, context.project_id)
    try:
        text = set_process_id(read_text(path, names.MANIFEST), key, process.id)
        _write_over(path, text.encode())
    except InvalidPackage:
        session.console.remark(
            f"{names.MANIFEST} can't take the process's id: upload with --process {process.id}"
        )


def _write_over(path: Path, data: bytes) -> None:
    """Write a file that was just downloaded, also where its mode forbids that; keep the mode."""
    mode = stat.S_IMODE(path.stat().st_mode)
    with convert_file_errors(path):
        path.chmod(mode | stat.S_IWUSR)
    write_output(path, data, permissions=mode)


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
        from au2.cli.commands.process.version_download import download_package

        download_package(session, find_process_id(session, process), number, target)
        return
    output = OutputType().convert(target or "-", None, None)
    if output.path is None and session.console.shows_data:
        raise click.UsageError(
            "An image does not go to a terminal: add -o FILE, or '| docker load'."
        )

    _download_image(session, find_process_id(session, process), number, output)
