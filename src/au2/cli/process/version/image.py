"""An image on its way to a file or a pipe."""

import shlex

from au2.cli.output_file import Output
from au2.cli.session import Session
from au2.client.resources.version_download import open_download
from au2.console.progress import TransferProgress

_BLOCK_BYTES = 1 << 20


def download_image(session: Session, process_id: str, number: int, output: Output) -> None:
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
