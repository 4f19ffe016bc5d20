"""``au2-server backup``: a copy of the installation, made beside a running server."""

import shlex
import sys
from importlib.metadata import version
from pathlib import Path

import click

from au2.console.commands import CommandSession, define
from au2.console.console import Console
from au2.console.parameters import PathType
from au2.domain.clock import format_time, now
from au2.domain.wording import count_of, format_bytes
from au2.server.backup.create import BackupResult, create_backup
from au2.server.backup.layout import Description
from au2.server.commands.options import data_option, reading_progress, settings_of
from au2.server.data_directory import DataDirectory
from au2.server.installation_database import opened_to_read
from au2.server.wiring.stores import make_key_file

_MOST_NAMED = 5


@define(
    "backup",
    examples=(
        "au2-server backup --data-dir /var/lib/au2 --to /backup/au2",
        "au2-server backup --data-dir /var/lib/au2 --to /backup/au2-2026-11-30.tar.zst",
    ),
    reads=True,
)
@data_option
@click.option(
    "--to",
    "path",
    required=True,
    type=PathType(path_type=Path),
    help="A folder, which later backups update, or a new file that ends in .tar or .tar.zst.",
)
def command(session: CommandSession, *, data: DataDirectory, path: Path) -> None:
    """Write a copy of database, blobs, logs and settings. The server may be running.

    The keys of the secrets are not in it: keep a copy of that file apart. Every blob is compared
    with its digest on the way; exit code 1 if one is damaged, and the backup has all others.
    """
    description = Description(
        au2_version=version("au2"), created_at=format_time(now()), data_directory=str(data.root)
    )
    with opened_to_read(data) as database, reading_progress(session.console) as progress:
        made = create_backup(data, database, path, description, progress=progress.advance)
    _show(session.console, made, path)
    key_file = make_key_file(data, settings_of(session, data)).path
    session.console.remark(
        f"The keys of the secrets are not in it. Keep a copy of {key_file} in another place."
    )
    sys.exit(1 if made.damaged else 0)


def _show(console: Console, made: BackupResult, path: Path) -> None:
    is_table = console.output_format == "table"
    console.show_fields(
        {
            "backup": str(path),
            "files": made.files,
            "bytes": format_bytes(made.copied_bytes) if is_table else made.copied_bytes,
            "blobs_kept_from_before": made.present,
            "damaged_blobs": len(made.damaged) if is_table else made.damaged,
        }
    )
    if made.damaged:
        named = ", ".join(shlex.quote(name) for name in made.damaged[:_MOST_NAMED])
        blobs = count_of(len(made.damaged), "blob is", "blobs are")
        console.remark(
            f"{blobs} damaged and not in the backup: {named}. 'au2-server fsck' says who is hit "
            "and what to do."
        )
