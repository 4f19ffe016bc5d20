"""The table, for people and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bench.series import Line

_HEADER = ("what", "median", "p95", "docker", "ratio", "limit", "ok")


def _cells(line: Line) -> tuple[str, ...]:
    def amount(value: float | None) -> str:
        if value is None:
            return ""
        return f"{value:.{1 if value < 10 and line.unit == 'ms' else 0}f} {line.unit}"

    if line.limit is None:
        limit = ""
    else:
        limit = amount(line.limit) if line.ratio is None else f"{line.limit:g} x"
    return (
        line.what,
        amount(line.median),
        amount(line.p95),
        amount(line.docker_median),
        "" if line.ratio is None else f"{line.ratio:.2f} x",
        limit,
        "" if line.limit is None else ("yes" if line.ok else "NO"),
    )


def format_table(lines: Sequence[Line]) -> str:
    """Return the table as text: the first column to the left, numbers to the right."""
    rows = [_HEADER, *map(_cells, lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    shown = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([shown[0], "-" * len(shown[0]), *shown[1:]])


def to_document(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Return the table as JSON."""
    return [
        {**asdict(line), "what": line.what.strip(), "ratio": line.ratio, "ok": line.ok}
        for line in lines
    ]
