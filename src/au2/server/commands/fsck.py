"""``au2-server fsck``: is all that is kept whole?"""

import sys

import click

from au2.app.maintenance.fsck.check import IntegrityReport
from au2.app.maintenance.fsck.findings import Finding
from au2.console.commands import Command
from au2.domain.wording import count_of
from au2.server.commands.examples import with_examples
from au2.server.commands.options import data_option, option_of, output_option, settings_of
from au2.server.commands.reading_progress import ReadingProgress
from au2.server.data_directory import DataDirectory, allow_blob_removal
from au2.server.installation_database import opened_to_read
from au2.server.terminal import show_lines, show_record, tell
from au2.server.wiring.maintenance import make_integrity_check

_MOST_HITS = 5
"""For people; documents have them all."""


@with_examples(
    "au2-server fsck --data-dir /var/lib/au2 --quick",
    "au2-server fsck --data-dir /var/lib/au2 --remove-damaged",
)
@click.command(cls=Command, short_help="Check that all that is kept is whole.")
@data_option
@click.option(
    "--quick", is_flag=True, help="Check that all is there and has its size; read nothing."
)
@click.option(
    "--remove-damaged",
    is_flag=True,
    help="Remove damaged blobs: until then they count as had, and are not sent or made again.",
)
@output_option
def fsck(*, data: DataDirectory, quick: bool, remove_damaged: bool, output: str) -> None:
    """Check every blob against its digest, and every version against its blobs.

    The server may be running. Exit code 1 if anything is not as it must be; each finding says who
    is hit and what to do.
    """
    with opened_to_read(data) as database:
        check = make_integrity_check(data, settings_of(data), database)
        with ReadingProgress(sys.stderr) as progress:
            found = check.run(quick=quick, progress=progress)
        removed = 0
        if remove_damaged:
            with allow_blob_removal(data.blobs):
                removed = check.remove_damaged(found)
    _show(found, removed, output, option_of(data))
    sys.exit(1 if found.findings else 0)


def _show(found: IntegrityReport, removed: int, output: str, options: str) -> None:
    if output == "table":
        show_lines([_block(finding, options) for finding in found.findings])
        tell(_summary(found, removed, options))
        return
    show_record(
        {
            "findings": [finding.to_document(options) for finding in found.findings],
            "removed_blobs": removed,
            "read_blobs": found.read_blobs,
            "images": found.images,
            "stray_layers": found.stray_layers,
        },
        output,
    )


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
