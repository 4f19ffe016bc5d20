"""`au2 process version download`: the image as an archive, or the source as a folder."""

import re
import shlex
import stat
from pathlib import Path

import click

from au2.cli.command import Session, define
from au2.cli.options import Output, OutputType
from au2.cli.packages.package_context import VersionWords, find_process, version_words
from au2.client.packages.package_folder import ensure_no_content, fill_folder, unpack_package
from au2.client.resources.processes import Processes
from au2.client.resources.versions import Download, open_download
from au2.console.console import FORMATS
from au2.console.parameters import PathType
from au2.console.progress import TransferProgress
from au2.domain.accounts.context import Context
from au2.domain.errors import InvalidPackage, UnexpectedAnswer
from au2.domain.wording import count_of
from au2.files.output import convert_file_errors, write_output
from au2.package import names
from au2.package.manifest import context_key
from au2.package.process_ids import set_process_id
from au2.package.text import read_text
from au2.wire.process import ProcessView

_BLOCK_BYTES = 1 << 20
_UNSAFE = re.compile(r"[^\w.-]+")
_NAME_CHARACTERS = 80


def _download_image(session: Session, process_id: str, number: int, output: Output) -> None:
    """Write the archive of a version to ``output``, whole or not at all."""
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
        console.report(
            f"The image is in '{output.path}'. Load it with: docker load -i {where}",
            {"process": process_id, "version": number, "path": str(output.path)},
        )


def download_package(session: Session, process_id: str, number: int, target: str | None) -> None:
    """Write the package of a version to the folder ``target``, or one named after the process.

    Raises:
        InvalidRequest: the folder is not empty, or the version is an image.
        Au2Error: reading or writing failed; then no file is left.
    """
    process = Processes(session.transport).get_process(process_id)
    directory = Path(target or f"{safe_name(process.name)}-{number}")
    # Before the download, and again when the folder is made.
    ensure_no_content(directory)
    with open_download(session.transport, process_id, number, "package") as download:
        progress = TransferProgress(session.console, "Received", total_bytes=download.size_bytes)
        try:
            with fill_folder(directory) as incoming:
                count = unpack_package(_Counted(download, progress), incoming)
                _remember_process(session, process, incoming)
        finally:
            progress.finish()
    session.console.report(
        f"The package is in '{directory}': {count_of(count, 'file')}.",
        {"process": process_id, "version": number, "path": str(directory), "files": count},
    )


def safe_name(name: str) -> str:
    """Return a process's name as the name of a folder, valid on every system."""
    return _UNSAFE.sub("-", name)[:_NAME_CHARACTERS].strip("-.") or "process"


class _Counted:
    """A download whose bytes are counted by a progress."""

    def __init__(self, download: Download, progress: TransferProgress) -> None:
        self._download = download
        self._progress = progress

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, nothing at the end."""
        data = self._download.read(size)
        self._progress.advance(len(data))
        return data


def _remember_process(session: Session, process: ProcessView, directory: Path) -> None:
    """Write the process's id into ``aunsight.yml``, for the upload of the next version.

    Uploaded packages have no ids, and the name may be shared. The id is written for the present
    context, if the process can be used there.
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
    """Overwrite a downloaded file even if its mode forbids writing; keep the mode."""
    mode = stat.S_IMODE(path.stat().st_mode)
    with convert_file_errors(path):
        path.chmod(mode | stat.S_IWUSR)
    write_output(path, data, permissions=mode)


def _read_output(ctx: click.Context, _: click.Parameter, value: str | None) -> str | None:
    """Set the format; return any other value: the file of the form that ``--to`` replaced."""
    if value not in FORMATS:
        return value
    console = ctx.ensure_object(Session).console
    console.output_format = value
    console.is_format_known = True
    return None


@define(
    "download",
    examples=(
        "au2 process version download forecast 3 | docker load",
        "au2 process version download forecast 3 --to forecast.tar",
        "au2 process version download forecast 3 --package --to forecast",
    ),
    has_output=False,
)
@version_words("N")
@click.option(
    "--to",
    type=PathType(),
    metavar="FILE",
    help="The file to write ('-' is stdout, the default); with --package, the folder.",
)
@click.option(
    "-o",
    "--output",
    "old_target",
    type=PathType(),
    metavar="[table|json|yaml]",
    is_eager=True,
    callback=_read_output,
    help="Format of the output, and of an error.  [default: table]",
)
@click.option(
    "--package", is_flag=True, help="Download the source as a folder instead of the image."
)
def command(
    session: Session, *, words: VersionWords, to: str | None, old_target: str | None, package: bool
) -> None:
    """Download the image of version N as an archive for `docker load`.

    podman load and skopeo (docker-archive:, oci-archive:) read the archive too. The image's name is
    SERVER/org_ORGANIZATION/process_PROCESS:N.

    With --package, the uploaded files of a packaged version are written to a new or empty folder
    (else ./NAME-N). Uploading that folder makes the next version of the process.

    Without PROCESS, of the process of the aunsight.yml in the current folder.
    """
    number = words.require_number()
    context = click.get_current_context()
    if to is not None and old_target is not None:
        raise click.UsageError("Give --to alone: -o FILE is its old form.", context)
    if old_target is not None:
        session.console.remark("-o FILE is the old form of --to FILE.")
    target = to or old_target
    if package:
        if target == "-":
            raise click.UsageError("With --package, --to names a folder.", context)
        download_package(session, find_process(session, words.process), number, target)
        return
    output = OutputType().convert(target or "-", None, None)
    if output.path is None and session.console.makes_document:
        raise click.UsageError("With -o json or yaml, name a file: --to FILE.", context)
    if output.path is None and session.console.shows_data:
        raise click.UsageError(
            "An image is not written to a terminal: add --to FILE, or '| docker load'."
        )
    _download_image(session, find_process(session, words.process), number, output)
