"""Documents → tables: columns as data, drawn with rich.

Imported only when a table is drawn, since rich takes as long to import as a whole other command.
"""

from collections.abc import Sequence
from io import StringIO

from rich.box import ASCII, SQUARE, Box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from au2.console.cells import Columns, Document, WideColumn, format_cell, visible
from au2.console.layout import fit_columns

_UNLIMITED_COLUMNS = 1 << 24
"""Width where rich would fold by itself."""
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
        width: characters to fold lines at; None: no folding, and the wide columns, too.
        encoding: of the output; without box-drawing characters, the table is plain ASCII.
    """
    is_list = isinstance(value, list)
    documents = value if isinstance(value, list) else [value]
    if is_list:
        shown = {
            title: find
            for title, find in columns.items()
            if width is None or not isinstance(find, WideColumn)
        }
        texts = [
            [visible(title), *(_text(find(document), width) for document in documents)]
            for title, find in shown.items()
        ]
    else:
        values = [_text(find(documents[0]), width, exact=True) for find in columns.values()]
        # Titles stand in the first column: a record has no header.
        texts = [[visible(title) for title in columns], values]
    widths: list[int] | list[None] = [None] * len(texts)
    if width is not None:
        texts, widths = fit_columns(texts, width)
    return _draw(texts, widths, encoding=encoding, has_header=is_list)


def _draw(
    texts: list[list[str]],
    widths: Sequence[int | None],
    *,
    encoding: str,
    has_header: bool,
) -> str:
    """Draw columns of texts, each of its width or (None) as wide as its text."""
    table = Table(
        box=_choose_box(encoding),
        show_header=has_header,
        show_lines=True,
        header_style="",
        safe_box=False,
    )
    for column, width in zip(texts, widths, strict=True):
        title = column.pop(0) if has_header else ""
        table.add_column(Text(title), width=width, overflow="fold")
    for row in zip(*texts, strict=True):
        table.add_row(*map(Text, row))
    return _render(table)


def _choose_box(encoding: str) -> Box:
    """Return the box of the manual page, or plain characters for terminals without these."""
    try:
        "┌─┬┐".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return SQUARE


def _text(value: object, width: int | None, *, exact: bool = False) -> str:
    text = format_cell(value, exact=exact)
    if width is not None and len(text) > _MOST_CHARACTERS:
        return f"{text[:_MOST_CHARACTERS]}… (-o json prints all {len(text):,} characters)"
    return text


def _render(table: Table) -> str:
    # Drawn to memory, without colour: what is shown is the same on a terminal and in a file.
    console = Console(
        file=StringIO(),
        # The columns have their widths already.
        width=_UNLIMITED_COLUMNS,
        color_system=None,
        legacy_windows=False,
        emoji=False,
        highlight=False,
    )
    with console.capture() as drawn:
        console.print(table)
    return drawn.get()
