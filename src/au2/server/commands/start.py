"""Command ``au2-server start``."""

import sys
from dataclasses import replace

import click

from au2.console.commands import CommandSession, define
from au2.server.commands.options import data_option, settings_of
from au2.server.data_directory import DataDirectory
from au2.server.disk_reserve import create_disk_reserve
from au2.server.settings.endpoint import ListenAddress, parse_listen_address
from au2.server.settings.source import check_settings
from au2.server.supervision.start import ServerProcesses, start_server


def _parse_listen(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> ListenAddress | None:
    try:
        return None if value is None else parse_listen_address(value)
    except ValueError:
        raise click.BadParameter("expected HOST:PORT, like 127.0.0.1:8080") from None


@define(
    "start",
    examples=("au2-server start --data-dir /var/lib/au2 --listen 127.0.0.1:8080",),
    has_output=False,
)
@data_option
@click.option(
    "--listen",
    metavar="HOST:PORT",
    callback=_parse_listen,
    help="Where the API listens; port 0 takes a free one.  [default: 127.0.0.1:8080]",
)
def command(session: CommandSession, data: DataDirectory, listen: ListenAddress | None) -> None:
    """Run the server until SIGTERM or Ctrl-C.

    Running jobs go on; the next start takes them up again.
    """
    data.check_path()
    data.check()
    settings = settings_of(session, data)
    if listen is not None:
        settings = replace(settings, server=replace(settings.server, listen=listen))
        check_settings(settings)
    data.create()
    create_disk_reserve(data)
    sys.exit(
        start_server(data, settings, announce=session.console.announce, processes=ServerProcesses())
    )
