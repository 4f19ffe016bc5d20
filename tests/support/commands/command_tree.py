"""All commands of ``au2`` and ``au2-server``, found by walking: a new one is there by itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import click

from au2.cli.main import make_root
from au2.server.main import make_root as make_server_root

GUID = "eadf98c2-8e85-46ae-b81a-640d9d326109"


@dataclass(frozen=True)
class Leaf:
    """A command that does something, and the words that call it."""

    path: tuple[str, ...]
    command: click.Command

    @property
    def name(self) -> str:
        """The words, as they are typed."""
        return " ".join(self.path)

    def words_with(self, given: Mapping[click.Parameter, str]) -> list[str]:
        """Return a command line that gives ``given``, and a fit value for all that is required."""
        chosen = {p: fit_value(p) for p in self.command.params if p.required} | dict(given)
        options = [word for p, text in chosen.items() for word in _option_words(p, text)]
        arguments = [p for p in self.command.params if isinstance(p, click.Argument)]
        last = max((n for n, p in enumerate(arguments) if p in chosen), default=-1)
        # What stands before an argument must be there too.
        values = [chosen.get(p, fit_value(p)) for p in arguments[: last + 1]]
        return [*self.path, *options, *(["--", *values] if values else [])]


def au2_commands() -> list[Leaf]:
    """Return every command of ``au2``."""
    return list(_walk(make_root(), ()))


def server_commands() -> list[Leaf]:
    """Return every command of ``au2-server``."""
    return list(_walk(make_server_root(), ()))


def fit_value(parameter: click.Parameter) -> str:
    """Return a value that a parameter takes."""
    if isinstance(parameter.type, click.Choice):
        return str(parameter.type.choices[0])
    if isinstance(parameter.type, (click.IntRange, click.FloatRange)) or parameter.type in {
        click.INT,
        click.FLOAT,
    }:
        return "1"
    if parameter.type.name in {"file", "directory", "path"}:
        return "."
    if parameter.name == "email":
        return "me@example.org"
    return "K=V" if parameter.metavar in {"K=V", "K=NAME"} else GUID


def _option_words(parameter: click.Parameter, text: str) -> list[str]:
    if not isinstance(parameter, click.Option):
        return []
    if parameter.is_flag:
        return [parameter.opts[-1]]
    return [f"{max(parameter.opts, key=len)}={text}"]


def _walk(command: click.Command, path: tuple[str, ...]) -> Iterator[Leaf]:
    if not isinstance(command, click.Group):
        yield Leaf(path, command)
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from _walk(inner, (*path, name))
