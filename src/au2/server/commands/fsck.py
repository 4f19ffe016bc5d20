"""``au2-server fsck``: is all that is kept whole?"""

import sys
from collections.abc import Mapping

import click

from au2.app.maintenance.fsck.check import IntegrityReport
from au2.app.maintenance.fsck.findings import Finding
from au2.console.cells import format_cell
from au2.console.commands import CommandSession, define
from au2.console.console import Console
from au2.domain.wording import count_of
from au2.server.commands.options import data_option, option_of, reading_progress, settings_of
from au2.server.data_directory import DataDirectory, allow_blob_removal
from au2.server.installation_database import opened_to_read
from au2.server.wiring.maintenance import make_integrity_check

_MOST_HITS = 5
"""For people; documents have them all."""


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
def command(
    session: CommandSession, *, data: DataDirectory, quick: bool, remove_damaged: bool
) -> None:
    """Check every blob against its digest, and every version against its blobs.

    The server may be running. Exit code 1 if anything is not as it must be; each finding says who
    is hit and what to do.
    """
    with opened_to_read(data) as database:
        check = make_integrity_check(data, settings_of(session, data), database)
        with reading_progress(session.console) as progress:
            found = check.run(quick=quick, progress=progress.advance)
        removed = 0
        if remove_damaged:
            with allow_blob_removal(data.blobs):
                removed = check.remove_damaged(found)
    _show(session.console, found, removed, option_of(data))
    sys.exit(1 if found.findings else 0)


def _show(console: Console, found: IntegrityReport, removed: int, options: str) -> None:
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
