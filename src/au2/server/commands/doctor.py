"""``au2-server doctor``: can this machine run jobs?"""

import sys

from au2.console.cells import columns
from au2.console.commands import CommandSession, define
from au2.domain.clock import now
from au2.domain.errors import Au2Error, SecretUnreadable
from au2.engines.protocol import Check
from au2.secrets.key_file import KeyFile
from au2.server.commands.options import data_option, settings_of
from au2.server.data_directory import DataDirectory
from au2.server.installation_database import opened_to_read
from au2.server.machine_checks import check_builder, check_room, check_tls
from au2.server.wiring.engine import make_engine
from au2.server.wiring.stores import make_key_file

_COLUMNS = columns("check", "ok", "finding")


@define(
    "doctor",
    examples=("au2-server doctor --data-dir /var/lib/au2",),
    reads=True,
)
@data_option
def command(session: CommandSession, *, data: DataDirectory) -> None:
    """Check this machine and the settings, one finding per need; exit code 1 if one fails."""
    data.check_path()
    data.check()
    settings = settings_of(session, data)
    tls = settings.server.tls
    checks = [
        *make_engine(data, settings).check(),
        check_builder(),
        *check_room(data.root),
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
    """Whether this version of au2 has the tables that the database has."""
    try:
        with opened_to_read(data):
            return Check("database", ok=True, message=str(data.database_file))
    except Au2Error as error:
        text = f"{error.message} {error.hint or ''}".strip()
        return Check("database", ok=False, message=text)


def check_keys(keys: KeyFile) -> Check:
    """Whether secrets can be read."""
    try:
        count = len(keys.ring().keys)
    except SecretUnreadable as error:
        text = f"{keys.path}: {error.message} {error.hint or ''}".strip()
        return Check("secret keys", ok=False, message=text)
    return Check("secret keys", ok=True, message=f"{count} in {keys.path}")
