"""The words of a command line, checked before a command does anything with them.

On Linux an argument is any bytes without NUL: an empty one comes from a variable that is not set,
one that is no UTF-8 from an old file or another encoding.
"""

import os
from collections.abc import Iterator
from typing import Any

import click

from au2.domain.json_value import is_encodable

_PATH_TYPES = frozenset({"file", "directory", "path"})
"""What types of parameters that take paths are named."""


class PathType(click.Path):
    """A file or folder that somebody names; nothing at all names none.

    ``pathlib.Path("")`` would be the present folder.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what ``click.Path`` makes of ``value``. Raises BadParameter."""
        message = find_path_mistake(value) if isinstance(value, str) else None
        if message is not None:
            self.fail(message, param, ctx)
        return super().convert(value, param, ctx)


def find_path_mistake(text: str) -> str | None:
    """Say why ``text`` can't be a path; None if it can. Bytes that are no UTF-8 may be in one."""
    if not text:
        return "The empty text '' names no file or folder. Is a variable not set?"
    try:
        is_possible = b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        is_possible = False
    return None if is_possible else "A path can't hold NUL or half of a character."


def check_texts(command: click.Command, context: click.Context, words: list[str]) -> None:
    """Refuse what can't be sent or stored as text, by the option or argument that it was given to.

    Paths are exempt: a file's name may be any bytes.

    Raises:
        BadParameter: a word is no UTF-8, or (not from a command line) holds half a character.
    """
    given, _, _ = command.make_parser(context).parse_args(list(words))
    for parameter in command.params:
        if parameter.type.name in _PATH_TYPES:
            continue
        if not all(map(is_encodable, _texts(given.get(parameter.name or "")))):
            message = "This is no text in UTF-8, or holds half of a character."
            raise click.BadParameter(message, context, parameter)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _texts(item)
