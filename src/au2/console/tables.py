"""Documents → tables: columns as data, drawn with rich.

Imported only when a table is drawn, since rich takes as long to import as a whole other command.
"""

from io import StringIO

from rich.box import ASCII, SQUARE, Box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from au2.console.cells import Columns, Document, format_cell

_UNLIMITED_COLUMNS = 1 << 24
"""Width where there is no terminal: nothing is folded, so that scripts find whole values."""
_MOST_CHARACTERS = 4_000
"""Of a value on a terminal; a longer one would push everything else off the screen."""


def draw_table(
    columns: Columns,
    value: Document | list[Document],
    *,
    width: int | None,
    encoding: str = "utf-8",
) -> str:
    """Return a table: of documents with a header and a row each, of one document with its fields.

    Args:
        columns: of the documents.
        value: one document, or many.
        width: characters to fold lines at; None: no folding.
        encoding: of the output; without box-drawing characters, the table is plain ASCII.
    """
    table = Table(
        box=_choose_box(encoding),
        show_header=isinstance(value, list),
        show_lines=True,
        header_style="",
        safe_box=False,
    )
    if isinstance(value, list):
        for title in columns:
            table.add_column(Text(title), overflow="fold")
        for document in value:
            table.add_row(*(_cell(column(document), width) for column in columns.values()))
    else:
        table.add_column()
        table.add_column(overflow="fold")
        for title, column in columns.items():
            table.add_row(Text(title), _cell(column(value), width))
    return _render(table, width)


def _choose_box(encoding: str) -> Box:
    """Return the box of the manual page, or plain characters for terminals without these."""
    try:
        "┌─┬┐".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return SQUARE


def _cell(value: object, width: int | None) -> Text:
    text = format_cell(value)
    if width is not None and len(text) > _MOST_CHARACTERS:
        text = f"{text[:_MOST_CHARACTERS]}… (-o json prints all {len(text):,} characters)"
    return Text(text)


def _render(table: Table, width: int | None) -> str:
    # Drawn to memory, without colour: what is shown is the same on a terminal and in a file.
    console = Console(
        file=StringIO(),
        width=width or _UNLIMITED_COLUMNS,
        color_system=None,
        legacy_windows=False,
        emoji=False,
        highlight=False,
    )
    with console.capture() as drawn:
        console.print(table)
    return drawn.get()
