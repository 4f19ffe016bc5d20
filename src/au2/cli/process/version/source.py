"""The source of a packaged version on its way to a folder."""

import re
import stat
from pathlib import Path

from au2.cli.session import Session
from au2.client.packages.package_folder import ensure_free, new_folder, unpack_package
from au2.client.resources.processes import Processes
from au2.client.resources.version_download import Download, open_download
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
    ensure_free(directory)
    with open_download(session.transport, process_id, number, "package") as download:
        progress = TransferProgress(session.console, "Received", total_bytes=download.size_bytes)
        try:
            with new_folder(directory) as incoming:
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
