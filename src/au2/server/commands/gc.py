"""``au2-server gc``: remove what no version, runtime or job needs."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, TypeVar

import click

from au2.app.maintenance.gc.collection import LEAST_GRACE_SECONDS, GCOptions
from au2.app.maintenance.gc.report import GCReport
from au2.console.cells import columns
from au2.console.commands import CommandSession, define
from au2.console.console import Console
from au2.domain.errors import Conflict, InvalidRequest
from au2.domain.wording import format_bytes
from au2.package.sizes import parse_duration
from au2.server.commands.options import data_option, option_of, settings_of
from au2.server.data_directory import DataDirectory, allow_blob_removal
from au2.server.disk_reserve import create_disk_reserve
from au2.server.installation_database import opened_to_read, opened_to_write
from au2.server.wiring.maintenance import make_garbage_collection

_COLUMNS = columns("what", "goes", "why", "number", "bytes")
_Command = TypeVar("_Command", bound=Callable[..., Any])


def _seconds(_context: click.Context, parameter: click.Parameter, value: str) -> float:
    try:
        seconds = parse_duration(value)
    except InvalidRequest as error:
        raise click.BadParameter(error.message) from None
    if parameter.name == "grace" and seconds < LEAST_GRACE_SECONDS:
        raise click.BadParameter("less than 1h is not safe for builds and uploads under way")
    return seconds


def _duration_option(flag: str, default: str, text: str) -> Callable[[_Command], _Command]:
    return click.option(
        flag, metavar="TIME", default=default, show_default=True, callback=_seconds, help=text
    )


@define(
    "gc",
    examples=(
        "au2-server gc --data-dir /var/lib/au2 --plan",
        "au2-server gc --data-dir /var/lib/au2 --grace 1h",
    ),
    reads=True,
)
@data_option
@click.option("--plan", is_flag=True, help="Remove nothing, show what would be removed.")
@_duration_option("--grace", "24h", "How long what nothing needs stays, 1h at least.")
@_duration_option(
    "--unused-for", "90d", "How long installed dependencies are kept that no build has used."
)
@click.option("--ignore-damaged", is_flag=True, help="Go on although images can't be read.")
def command(
    session: CommandSession,
    *,
    data: DataDirectory,
    plan: bool,
    grace: float,
    unused_for: float,
    ignore_damaged: bool,
) -> None:
    """Remove what no version, runtime, repository or job needs. The server may be running.

    Shows how much of what goes and stays, and why.
    """
    wishes = GCOptions(grace, unused_for, plan=plan, ignore_damaged=ignore_damaged)
    settings = settings_of(session, data)
    opened = opened_to_read if plan else opened_to_write
    with opened(data) as database, nullcontext() if plan else allow_blob_removal(data.blobs):
        collection = make_garbage_collection(data, settings, database)
        try:
            report = collection.run(wishes)
        except Conflict as error:
            command = f"au2-server fsck {option_of(data)}"
            error.hint = f"'{command}' says what to do. With --ignore-damaged they count as lost."
            raise
        if not plan:
            database.preallocate_wal()  # A running server's, which may have used up its own.
    if not plan:
        create_disk_reserve(data)
    _show(session.console, report, is_plan=plan)


def _show(console: Console, report: GCReport, *, is_plan: bool) -> None:
    lines = [line.to_document() for line in report.lines()]
    if console.output_format == "table":
        for line in lines:
            size_bytes = line["bytes"]
            line["bytes"] = format_bytes(size_bytes) if isinstance(size_bytes, int) else None
        if lines:
            console.show_list(_COLUMNS, lines)
        freed = format_bytes(report.freed_bytes)
        console.remark(f"{freed} would be freed." if is_plan else f"{freed} were freed.")
    else:
        document = {"plan": is_plan, "freed_bytes": report.freed_bytes, "lines": lines}
        console.show_document(document)
