"""Commands ``au2-server backup`` and ``au2-server restore``."""

import shlex
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import click

from au2.app.maintenance.restored_jobs import end_restored_runs
from au2.console.commands import CommandSession, define
from au2.console.console import Console
from au2.console.parameters import PathType
from au2.domain.clock import format_time, now
from au2.domain.wording import count_of, format_bytes
from au2.files.output import PRIVATE, write_output
from au2.secrets.keyring import KeyFile
from au2.server.backup.create import BackupResult, create_backup
from au2.server.backup.layout import Description
from au2.server.backup.restore import restore_backup
from au2.server.commands.maintenance import make_integrity_check
from au2.server.commands.options import data_option, option_of, reading_progress, settings_of
from au2.server.data_directory import DataDirectory
from au2.server.wiring.stores import make_key_file, opened_to_read, opened_to_write

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
def backup(session: CommandSession, *, data: DataDirectory, path: Path) -> None:
    """Write a copy of database, blobs, logs and settings. The server may be running.

    The secret keys are left out: keep a copy of their file apart. Every blob is compared with its
    digest on the way; exit code 1 if one is damaged, and the backup has all others.
    """
    description = Description(
        au2_version=version("au2"), created_at=format_time(now()), data_directory=str(data.root)
    )
    with opened_to_read(data) as database, reading_progress(session.console) as progress:
        made = create_backup(data, database, path, description, progress=progress.advance)
    _show(session.console, made, path)
    key_file = make_key_file(data, settings_of(session, data)).path
    session.console.remark(
        f"The keys of the secrets are not in it. Keep a copy of {key_file} apart."
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


@define(
    "restore",
    examples=(
        "au2-server restore --from /backup/au2 --data-dir /var/lib/au2 --secret-key /safe/keys",
    ),
    reads=True,
)
@data_option
@click.option(
    "--from",
    "path",
    required=True,
    type=PathType(path_type=Path),
    help="The folder or file that 'au2-server backup --to' wrote.",
)
@click.option(
    "--secret-key",
    type=PathType(exists=True, dir_okay=False, path_type=Path),
    help="Copy of the file with the keys of the secrets.",
)
@click.option(
    "--keep-unfinished-jobs",
    is_flag=True,
    help="Run jobs that waited when the backup was made. Without it they are ended, for they may "
    "have run since.",
)
def restore(
    session: CommandSession,
    *,
    data: DataDirectory,
    path: Path,
    secret_key: Path | None,
    keep_unfinished_jobs: bool,
) -> None:
    """Make the new folder of --data-dir a data directory with the content of a backup.

    Every blob is compared with its digest; afterwards 'fsck --quick' checks the whole. Exit code 1
    if something is missing. Then start the server as before.
    """
    key_data = None if secret_key is None else _read_keys(secret_key)
    with reading_progress(session.console) as progress:
        description = restore_backup(path, data, progress=progress.advance)
    settings = settings_of(session, data)
    keys = make_key_file(data, settings)
    if key_data is not None:
        keys.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_output(keys.path, key_data, permissions=PRIVATE)
    with opened_to_write(data) as database:
        ended = 0
        if not keep_unfinished_jobs:
            ended = end_restored_runs(database, at=now(), made_at=description.created_at)
        found = make_integrity_check(data, settings, database).run(
            quick=True, progress=lambda _bytes: None
        )
    session.console.show_fields(
        {
            "data_directory": str(data.root),
            "backup_of": description.data_directory,
            "made_at": description.created_at,
            "ended_jobs": ended,
            "findings": len(found.findings),
        }
    )
    if not keys.exists():
        session.console.remark(
            f"There is no key file yet, so no secret can be read: put its copy at {keys.path} "
            "before the server starts."
        )
    if found.findings:
        number = count_of(len(found.findings), "finding")
        session.console.remark(f"{number}: see 'au2-server fsck {option_of(data)}'.")
        sys.exit(1)


def _read_keys(path: Path) -> bytes:
    """Return the content of a copy of the key file, whatever its permissions.

    Called before anything is restored, to find a wrong file early. Raises SecretUnreadable.
    """
    data = path.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        write_output(copy, data, permissions=PRIVATE)
        KeyFile(copy).read()
    return data
