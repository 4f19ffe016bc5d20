"""``au2-server uninstall``: take back what a server set up outside its data directory."""

from au2.console.commands import CommandSession, define
from au2.server.commands.options import data_option, settings_of
from au2.server.data_directory import DataDirectory, lock_data_directory
from au2.server.wiring.engine import engine_without_data, make_engine

_PATIENCE_SECONDS = 2.0
"""For a server that was just told to stop."""


@define(
    "uninstall",
    examples=("au2-server uninstall --data-dir /var/lib/au2",),
)
@data_option
def command(session: CommandSession, *, data: DataDirectory) -> None:
    """Remove containers, network and control groups of a stopped server from this machine.

    The data directory stays: remove it yourself, or start the server again, which sets up anew what
    it needs. Jobs that still run are ended. It works also when the data directory is gone already.
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
