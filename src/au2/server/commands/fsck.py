"""``au2-server fsck``: is all that is kept whole?"""

import sys
from contextlib import closing

import click

from au2.server.commands.options import data_option, output_option, settings_of
from au2.server.commands.reading_progress import ReadingProgress
from au2.server.data_directory import DataDirectory
from au2.server.migration import migrate_on_full_disk
from au2.server.terminal import show_list, show_record
from au2.server.wiring.keeping import make_soundness_check
from au2.server.wiring.stores import open_database
from au2.services.soundness.check import Soundness
from au2.services.soundness.findings import Finding

_COLUMNS = {name: name for name in ("blob", "problem", "hits", "advice")}
_MOST_HITS = 5
"""In a table; documents have them all."""


@click.command(short_help="Check that all that is kept is whole.")
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
    data.check()
    with closing(open_database(data)) as database:
        migrate_on_full_disk(database, data)
        check = make_soundness_check(data, settings_of(data), database)
        with ReadingProgress(sys.stderr) as progress:
            found = check.run(quick=quick, progress=progress)
        removed = check.remove_damaged(found) if remove_damaged else 0
    _show(found, removed, output)
    sys.exit(1 if found.findings else 0)


def _show(found: Soundness, removed: int, output: str) -> None:
    if output == "table":
        if found.findings:
            show_list([_row(finding) for finding in found.findings], _COLUMNS, output)
        click.echo(_summary(found, removed), err=True)
        return
    show_record(
        {
            "findings": [finding.to_document() for finding in found.findings],
            "removed_blobs": removed,
            "read_blobs": found.read_blobs,
            "images": found.images,
            "stray_layers": found.stray_layers,
        },
        output,
    )


def _row(finding: Finding) -> dict[str, object]:
    named = list(finding.hits)[:_MOST_HITS]
    more = len(finding.hits) - len(named)
    return {
        **finding.to_document(),
        "hits": ", ".join([*named, *([f"and {more} more"] if more else [])]),
    }


def _summary(found: Soundness, removed: int) -> str:
    number = len(found.findings)
    said = "All is whole" if not number else f"{number} finding{'s' if number > 1 else ''}"
    text = f"{said}: {found.images} images were looked at, {found.read_blobs} blobs were read."
    if removed:
        text += f" {removed} damaged ones were removed."
    if found.stray_layers:
        text += f" {found.stray_layers} unpacked layers belong to no image: see 'au2-server gc'."
    return text
