"""Types of the words on a command line, checked before a command uses them.

On Linux an argument is any bytes without NUL: an empty one comes from an unset variable, bytes that
are not UTF-8 from an old file or another encoding.
"""

import math
import os
import re
from collections.abc import Iterator
from typing import Any, Final

import click

from au2.domain.json_value import is_encodable

_PATH_TYPES = frozenset({"file", "directory", "path"})
"""Names of the parameter types of paths."""


class PathType(click.Path):
    """A path given by the user; the empty text is refused.

    ``pathlib.Path("")`` would be the current folder.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the converted path. Raises BadParameter."""
        message = find_path_error(value) if isinstance(value, str) else None
        if message is not None:
            self.fail(message, param, ctx)
        return super().convert(value, param, ctx)


def find_path_error(text: str) -> str | None:
    """Return the reason why ``text`` is no path, or None. Bytes outside UTF-8 are allowed."""
    if not text:
        return "The empty text '' names no file or folder. Is a variable not set?"
    try:
        is_possible = b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        is_possible = False
    return None if is_possible else "A path can't hold NUL or a lone surrogate."


def check_texts(command: click.Command, context: click.Context, words: list[str]) -> None:
    """Refuse words outside UTF-8, naming their option or argument.

    Paths are exempt: a file's name may be any bytes.

    Raises:
        BadParameter: a word is not UTF-8, or (not from a command line) has a lone surrogate.
    """
    given, _, _ = command.make_parser(context).parse_args(list(words))
    for parameter in command.params:
        if parameter.type.name in _PATH_TYPES:
            continue
        if not all(map(is_encodable, _texts(given.get(parameter.name or "")))):
            message = "The text is not valid UTF-8."
            raise click.BadParameter(message, context, parameter)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _texts(item)


_MOST: Final = (1 << 63) - 1
"""The largest integer of the database."""
_DIGITS: Final = re.compile(r"[+-]?[0-9]+")


class WholeNumber(click.IntRange):
    """A whole number, from 1 on unless said otherwise."""

    def __init__(self, least: int = 1, most: int = _MOST) -> None:
        super().__init__(min=least, max=most)

    def _describe_range(self) -> str:
        """Return the range for the help, without the upper bound common to all numbers."""
        return f"x>={self.min}" if self.max == _MOST else super()._describe_range()

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number. Raises BadParameter.

        Python also reads digits of other scripts, and `1_000`: a slip for a job's or version's
        number.
        """
        if isinstance(value, str) and not _DIGITS.fullmatch(value.strip()):
            self.fail(f"'{value}' is not a whole number.", param, ctx)
        number: int = click.INT.convert(value, param, ctx)
        if self.min is not None and number < self.min:
            self.fail(f"{number} is less than {self.min}.", param, ctx)
        if self.max is not None and number > self.max:
            self.fail(f"{number} is too large: the limit is {self.max}.", param, ctx)
        return number


class PositiveNumber(click.FloatRange):
    """A finite number above zero."""

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number. Raises BadParameter."""
        number: float = click.FLOAT.convert(value, param, ctx)
        if not math.isfinite(number) or number <= 0:
            self.fail(f"'{value}' is not a number above 0.", param, ctx)
        return number
