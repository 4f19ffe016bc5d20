"""What the operator sees: records as a table, JSON or YAML on stdout, errors on stderr."""

import io
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

import click

from au2.console.failures import convert_stdout_errors, format_error
from au2.domain.errors import Au2Error

_UNLIMITED_COLUMNS = 1 << 16


def show_error(error: Au2Error) -> None:
    """Print an error, all its details and what to do next."""
    for line in format_error(error):
        tell("\n".join(map(_visible, line.split("\n"))))


def tell(text: str) -> None:
    """Print a remark to stderr. That it can't be written is no reason to fail: the work is done."""
    with suppress(OSError):
        click.echo(text, err=True)


def say(text: str) -> None:
    """Print a line at once. That nobody reads it any more is no reason to fail."""
    try:
        print(text, flush=True)
    except OSError:
        sys.stdout = io.StringIO()


def show_text(text: str) -> None:
    """Print data that has its own line ends."""
    with convert_stdout_errors():
        click.echo(text, nl=False)


def show_record(record: Mapping[str, object], output: str) -> None:
    """Print one record: a row per field."""
    if output == "table":
        rows = [(name, _cell(value)) for name, value in record.items()]
        show_text(format_table(rows, width=_width()) + "\n")
    else:
        _show_document(record, output)


def show_list(
    records: Sequence[Mapping[str, object]], columns: Mapping[str, str], output: str
) -> None:
    """Print several records: a row per record, below a header. ``columns``: title → field."""
    if output == "table":
        rows = [tuple(_cell(record[field]) for field in columns.values()) for record in records]
        show_text(format_table(rows, header=tuple(columns), width=_width()) + "\n")
    else:
        _show_document(records, output)


def format_table(
    rows: Sequence[Sequence[str]],
    *,
    header: Sequence[str] | None = None,
    width: int | None = None,
) -> str:
    """Return the house's box-drawn table, with a rule between all rows.

    ``width``: columns to fold it at, as tables of ``au2`` are; None: not at all.
    """
    from rich.box import SQUARE  # noqa: PLC0415 - start-up time and the supervisor's memory
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=SQUARE, show_lines=True, show_header=header is not None, pad_edge=True)
    for name in header or rows[0]:
        table.add_column(Text(name), overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    out = io.StringIO()
    Console(file=out, width=width or _UNLIMITED_COLUMNS, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _width() -> int | None:
    """Columns to fold tables at; None where stdout is no terminal: scripts find whole values."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def show_lines(blocks: Sequence[Mapping[str, object]]) -> None:
    """Print records as lines, one below the other: long values stay whole and can be copied."""
    for block in blocks:
        for name, value in block.items():
            show_text(f"{name + ':':10}{_cell(value)}\n")
        show_text("\n")


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else _visible(str(value))


def _visible(text: str) -> str:
    """Write control characters out: names come from people, and must not steer a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _show_document(document: object, output: str) -> None:
    if output == "json":
        show_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        return
    from ruamel.yaml import YAML  # noqa: PLC0415 - start-up time

    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 1 << 16
    written = io.StringIO()
    yaml.dump(document, written)
    show_text(written.getvalue())
