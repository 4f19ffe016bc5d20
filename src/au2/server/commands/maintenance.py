"""Commands ``au2-server gc`` and ``au2-server fsck``: garbage collection and integrity check."""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, TypeVar

import click

from au2.app.maintenance.fsck import Finding, IntegrityCheck, IntegrityReport
from au2.app.maintenance.garbage_collection import (
    LEAST_GRACE_SECONDS,
    GarbageCollection,
    GCOptions,
    GCReport,
)
from au2.console.cells import columns, format_cell
from au2.console.commands import CommandSession, define
from au2.console.console import Console
from au2.domain.clock import now
from au2.domain.errors import Conflict, InvalidRequest
from au2.domain.wording import count_of, format_bytes
from au2.package.sizes import parse_duration
from au2.server.commands.options import data_option, option_of, reading_progress, settings_of
from au2.server.data_directory import DataDirectory, allow_blob_removal
from au2.server.disk_reserve import create_disk_reserve
from au2.server.disk_usage import DiskUsage, list_disk_usage
from au2.server.settings.sections import Settings
from au2.server.wiring.engine import make_engine
from au2.server.wiring.stores import make_blobs, make_logs, opened_to_read, opened_to_write
from au2.stores.database.database import Database

_MOST_HITS = 5
"""For people; documents have them all."""
_COLUMNS = columns("what", "goes", "why", "number", "bytes")
_Command = TypeVar("_Command", bound=Callable[..., Any])


def make_integrity_check(
    data: DataDirectory, settings: Settings, database: Database
) -> IntegrityCheck:
    """Return the integrity check of an installation."""
    return IntegrityCheck(database, make_blobs(data), make_engine(data, settings), now)


@define(
    "fsck",
    examples=(
        "au2-server fsck --data-dir /var/lib/au2 --quick",
        "au2-server fsck --data-dir /var/lib/au2 --remove-damaged",
    ),
    reads=True,
)
@data_option
@click.option(
    "--quick", is_flag=True, help="Check that all is there and has its size; read nothing."
)
@click.option(
    "--remove-damaged",
    is_flag=True,
    help="Remove damaged blobs: until then they count as had, and are not sent or made again.",
)
def fsck(
    session: CommandSession, *, data: DataDirectory, quick: bool, remove_damaged: bool
) -> None:
    """Check every blob against its digest, and every version against its blobs.

    The server may be running. Exit code 1 if anything is wrong; each finding says who is affected
    and how to repair the damage.
    """
    with opened_to_read(data) as database:
        check = make_integrity_check(data, settings_of(session, data), database)
        with reading_progress(session.console) as progress:
            found = check.run(quick=quick, progress=progress.advance)
        removed = 0
        if remove_damaged:
            with allow_blob_removal(data.blobs):
                removed = check.remove_damaged(found)
    _show_findings(session.console, found, removed, option_of(data))
    sys.exit(1 if found.findings else 0)


def _show_findings(console: Console, found: IntegrityReport, removed: int, options: str) -> None:
    if console.output_format == "table":
        for finding in found.findings:
            show_block(console, _block(finding, options))
        console.remark(_summary(found, removed, options))
        return
    console.show_document(
        {
            "findings": [finding.to_document(options) for finding in found.findings],
            "removed_blobs": removed,
            "read_blobs": found.read_blobs,
            "images": found.images,
            "stray_layers": found.stray_layers,
        }
    )


def show_block(console: Console, block: Mapping[str, object]) -> None:
    """Print a record as lines: long values stay whole and can be copied."""
    for name, value in block.items():
        console.line(f"{name + ':':10}{format_cell(value)}")
    console.line("")


def _block(finding: Finding, options: str) -> dict[str, object]:
    named = list(finding.hits)[:_MOST_HITS]
    more = len(finding.hits) - len(named)
    return {
        **finding.to_document(options),
        "hits": ", ".join([*named, *([f"and {more} more"] if more else [])]) or "nobody",
    }


def _summary(found: IntegrityReport, removed: int, options: str) -> str:
    number = len(found.findings)
    said = count_of(number, "finding", "findings") if number else "All is whole"
    images = count_of(found.images, "image was", "images were")
    blobs = count_of(found.read_blobs, "blob was", "blobs were")
    text = f"{said}: {images} looked at, {blobs} read."
    if removed:
        text += f" {count_of(removed, 'damaged one was', 'damaged ones were')} removed."
    if found.stray_layers:
        layers = count_of(found.stray_layers, "unpacked layer belongs", "unpacked layers belong")
        text += f" {layers} to no image: see 'au2-server gc {options}'."
    return text


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
def gc(
    session: CommandSession,
    *,
    data: DataDirectory,
    plan: bool,
    grace: float,
    unused_for: float,
    ignore_damaged: bool,
) -> None:
    """Remove blobs and layers that no version, runtime, repository or job needs.

    The server may be running. The table shows how much goes and stays, and why; with --plan also
    the sizes of logs, downloads, the database and unpacked layers.
    """
    options = GCOptions(grace, unused_for, plan=plan, ignore_damaged=ignore_damaged)
    settings = settings_of(session, data)
    opened = opened_to_read if plan else opened_to_write
    with opened(data) as database, nullcontext() if plan else allow_blob_removal(data.blobs):
        layers = make_engine(data, settings)
        collection = GarbageCollection(database, make_blobs(data), layers, make_logs(data), now)
        try:
            report = collection.run(options)
        except Conflict as error:
            error.hint = (
                f"'au2-server fsck {option_of(data)}' says what to do. With --ignore-damaged they "
                "count as lost."
            )
            raise
        if not plan:
            database.preallocate_wal()  # A running server's, which may have used up its own.
    if not plan:
        create_disk_reserve(data)
    others = list_disk_usage(data) if plan else []
    _show_report(session.console, report, others, is_plan=plan)


def _show_report(
    console: Console, report: GCReport, others: Sequence[DiskUsage], *, is_plan: bool
) -> None:
    lines = [*(line.to_document() for line in report.lines()), *map(_usage_line, others)]
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


def _usage_line(usage: DiskUsage) -> dict[str, object]:
    return {
        "what": usage.name,
        "goes": False,
        "why": usage.why,
        "number": usage.files,
        "bytes": usage.size_bytes,
    }
