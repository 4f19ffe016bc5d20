"""An image on its way to a file or a pipe."""

import time
from pathlib import Path

from au2.cli.download_progress import DownloadProgress
from au2.cli.session import Session
from au2.client.version_downloads import Download, open_download
from au2.client.whole_files import BLOCK_BYTES, save_whole
from au2.domain.errors import InvalidRequest


def download_image(session: Session, process_id: str, number: int, file: str | None) -> None:
    """Write the archive of a version to ``file``, or (None) to stdout.

    Raises:
        InvalidRequest: ``file`` is a folder.
        Au2Error: it can't be had, or not be written; then no half of it is left in ``file``.
    """
    if file is not None and Path(file).is_dir():
        raise InvalidRequest(f"'{file}' is a folder.", hint="Name a file with -o FILE.")
    terminal = session.terminal
    with open_download(session.transport, process_id, number, "archive") as download:
        progress = DownloadProgress(terminal, download.size_bytes, clock=time.monotonic)
        try:
            if file is None:
                _print(session, download, progress)
            else:
                save_whole(download, Path(file), progress.advance)
        finally:
            progress.finish()
    if file is not None:
        terminal.remark(f"The image is in '{file}'. Load it with: docker load -i {file}")


def _print(session: Session, download: Download, progress: DownloadProgress) -> None:
    while block := download.read(BLOCK_BYTES):
        session.terminal.bytes_out(block)
        progress.advance(len(block))
    session.terminal.flush()
