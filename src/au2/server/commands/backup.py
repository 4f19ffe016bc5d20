"""``au2-server backup``: a copy of the installation, made beside a running server."""

import shlex
import sys
from importlib.metadata import version
from pathlib import Path

import click

from au2.console.commands import Command
from au2.console.parameters import PathType
from au2.domain.clock import format_time, now
from au2.domain.wording import count_of, format_bytes
from au2.server.backup.create import BackupResult, create_backup
from au2.server.backup.layout import Description
from au2.server.commands.examples import with_examples
from au2.server.commands.options import data_option, output_option, settings_of
from au2.server.commands.reading_progress import ReadingProgress
from au2.server.data_directory import DataDirectory
from au2.server.installation_database import opened_to_read
from au2.server.terminal import show_record, tell
from au2.server.wiring.stores import make_key_file

_MOST_NAMED = 5


@with_examples(
    "au2-server backup --data-dir /var/lib/au2 --to /backup/au2",
    "au2-server backup --data-dir /var/lib/au2 --to /backup/au2-2026-11-30.tar.zst",
)
@click.command(cls=Command, short_help="Write a copy of the installation, beside a running server.")
@data_option
@click.option(
    "--to",
    "path",
    required=True,
    type=PathType(path_type=Path),
    help="A folder, which later backups update, or a new file that ends in .tar or .tar.zst.",
)
@output_option
def backup(*, data: DataDirectory, path: Path, output: str) -> None:
    """Write a copy of database, blobs, logs and settings. The server may be running.

    The keys of the secrets are not in it: keep a copy of that file apart. Every blob is compared
    with its digest on the way; exit code 1 if one is damaged, and the backup has all others.
    """
    description = Description(
        au2_version=version("au2"), created_at=format_time(now()), data_directory=str(data.root)
    )
    with opened_to_read(data) as database, ReadingProgress(sys.stderr) as progress:
        made = create_backup(data, database, path, description, progress=progress)
    _show(made, path, output)
    key_file = make_key_file(data, settings_of(data)).path
    tell(f"The keys of the secrets are not in it. Keep a copy of {key_file} in another place.")
    sys.exit(1 if made.damaged else 0)


def _show(made: BackupResult, path: Path, output: str) -> None:
    show_record(
        {
            "backup": str(path),
            "files": made.files,
            "bytes": format_bytes(made.copied_bytes) if output == "table" else made.copied_bytes,
            "blobs_kept_from_before": made.present,
            "damaged_blobs": made.damaged if output != "table" else len(made.damaged),
        },
        output,
    )
    if made.damaged:
        named = ", ".join(shlex.quote(name) for name in made.damaged[:_MOST_NAMED])
        blobs = count_of(len(made.damaged), "blob is", "blobs are")
        tell(
            f"{blobs} damaged and not in the backup: {named}. 'au2-server fsck' says who is hit "
            "and what to do."
        )
