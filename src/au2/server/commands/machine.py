"""Commands ``au2-server doctor`` and ``au2-server uninstall``: a server's needs and traces."""

import os
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from au2.console.cells import columns
from au2.console.commands import CommandSession, define
from au2.domain.clock import now
from au2.domain.errors import Au2Error, SecretUnreadable, ServerNotStarted
from au2.domain.wording import format_bytes
from au2.engines.protocol import Check, spare_bytes
from au2.secrets.keyring import KeyFile
from au2.server.commands.options import data_option, settings_of
from au2.server.data_directory import DataDirectory, lock_data_directory
from au2.server.settings.endpoint import TlsFiles
from au2.server.wiring.engine import engine_without_data, make_engine
from au2.server.wiring.stores import make_key_file, opened_to_read

_COLUMNS = columns("check", "ok", "finding")
_LEAST_FILES = 10_000
"""One runtime unpacked has as many."""
_PATIENCE_SECONDS = 2.0
"""For a server that was just told to stop."""


@define("doctor", examples=("au2-server doctor --data-dir /var/lib/au2",), reads=True)
@data_option
def doctor(session: CommandSession, *, data: DataDirectory) -> None:
    """Check this machine and the settings, one finding per need; exit code 1 if one fails."""
    data.check_path()
    data.check()
    settings = settings_of(session, data)
    tls = settings.server.tls
    checks = [
        *make_engine(data, settings).check(),
        check_builder(),
        *check_disk_space(data.root),
        *([] if tls is None else [check_tls(tls, now())]),
        check_database(data),
        check_keys(make_key_file(data, settings)),
    ]
    records: list[dict[str, object]] = [
        {"check": check.name, "ok": check.ok, "finding": check.message} for check in checks
    ]
    session.console.show_list(_COLUMNS, records)
    sys.exit(0 if all(check.ok for check in checks) else 1)


def check_database(data: DataDirectory) -> Check:
    """Check whether the database has the tables of this version of au2."""
    try:
        with opened_to_read(data):
            return Check("database", ok=True, message=str(data.database_file))
    except Au2Error as error:
        return _failed("database", error)


def check_keys(keys: KeyFile) -> Check:
    """Check whether secrets can be read."""
    try:
        count = len(keys.ring().keys)
    except SecretUnreadable as error:
        return _failed("secret keys", error, f"{keys.path}: ")
    return Check("secret keys", ok=True, message=f"{count} in {keys.path}")


def _failed(name: str, error: Au2Error, subject: str = "") -> Check:
    return Check(name, ok=False, message=f"{subject}{error.message} {error.hint or ''}".strip())


def check_disk_space(folder: Path) -> Sequence[Check]:
    """Check disk space for an image's records and logs and the server's own limit, and inodes."""
    status = os.statvfs(folder)
    free_bytes = status.f_bavail * status.f_frsize
    least_bytes = spare_bytes(status.f_blocks * status.f_frsize)
    text = f"{format_bytes(free_bytes)} are free in {folder}"
    if free_bytes < least_bytes:
        text += f", and no image is unpacked with less than {format_bytes(least_bytes)}: see 'gc'"
    checks = [Check("free space", ok=free_bytes >= least_bytes, message=text)]
    if status.f_files:  # Some file systems have no limit.
        ok = status.f_favail >= _LEAST_FILES
        text = f"{status.f_favail} more files fit in {folder}"
        if not ok:
            text += f"; a runtime has some {_LEAST_FILES}: see 'gc'"
        checks.append(Check("free inodes", ok=ok, message=text))
    return checks


def check_tls(files: TlsFiles, now: datetime) -> Check:
    """Check whether certificate and key are readable, fit together, and are valid now."""
    try:
        files.make_context()
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    except ServerNotStarted as error:
        return _failed("certificate", error)
    except (OSError, ValueError) as error:
        return Check("certificate", ok=False, message=f"'{files.certificate}': {error}")
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not begins <= now <= ends:
        wrong = "has expired" if now > ends else "is not valid yet"
        text = f"'{files.certificate}' {wrong}: it is valid from {_day(begins)} to {_day(ends)}"
        return Check("certificate", ok=False, message=text)
    return Check("certificate", ok=True, message=f"{files.certificate}, until {_day(ends)}")


def check_builder(path: str | None = None) -> Check:
    """Check whether runtimes can be built. ``path``: folders to search, else the shell's."""
    found = shutil.which("mmdebstrap", path=path)
    text = "mmdebstrap (it builds runtimes) is missing: apt-get install mmdebstrap"
    return Check("mmdebstrap", ok=found is not None, message=found or text)


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()


@define("uninstall", examples=("au2-server uninstall --data-dir /var/lib/au2",))
@data_option
def uninstall(session: CommandSession, *, data: DataDirectory) -> None:
    """Remove containers, network and control groups of a stopped server from this machine.

    The data directory stays: remove the folder yourself, or start the server again, which sets up
    its needs anew. Jobs still running are ended. The command works also when the data directory is
    gone.
    """
    settings = settings_of(session, data)
    if not data.database_file.exists() and data.run_directory(settings.server.run_dir).exists():
        with engine_without_data(data, settings) as engine:
            engine.uninstall()
        session.console.remark(
            f"The data of {data.root} was gone; the rest of it is gone now, too."
        )
        return
    data.check()
    with lock_data_directory(data.root, patience_seconds=_PATIENCE_SECONDS):
        make_engine(data, settings).uninstall()
    session.console.remark(f"Nothing of it is left on this machine but {data.root}.")
