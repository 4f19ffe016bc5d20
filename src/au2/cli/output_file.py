"""Where a command writes what it was told to write to a file: the file, or stdout for ``-``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click

from au2.console.console import Console
from au2.console.parameters import find_path_error

_STDOUT = "-"


class Output(NamedTuple):
    """A file, or (None) stdout."""

    path: Path | None

    @contextmanager
    def open(
        self, console: Console, *, permissions: int | None = None
    ) -> Iterator[Callable[[bytes], None]]:
        """Yield what writes bytes there, all of them (:func:`au2.files.output.open_output`)."""
        if self.path is None:
            yield console.bytes_out
            console.flush()
            return
        from au2.files.output import open_output

        with open_output(self.path, permissions=permissions) as file:
            yield file.write


class OutputType(click.ParamType):  # type: ignore[type-arg]  # older ones have none
    """An option that names an :class:`Output`; what could not be written is refused at once."""

    name = "file"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Output:
        """Return the output. Raises BadParameter: a folder, or in a folder that is not there."""
        if value == _STDOUT:
            return Output(None)
        message = find_path_error(value) or _find_place_mistake(Path(value))
        if message is not None:
            self.fail(message, param, ctx)
        return Output(Path(value))


def _find_place_mistake(path: Path) -> str | None:
    try:
        if path.is_dir():
            return f"'{path}' is a folder."
        folder = path.resolve().parent
        return None if folder.is_dir() else f"There is no folder '{folder}'."
    except (OSError, RuntimeError) as error:
        return f"'{path}': {getattr(error, 'strerror', None) or error}."
