"""The commands of both programs: what they are given is checked before they run."""

from typing import Any

import click

from au2.program.ending import told_as_stdout_faults
from au2.program.words import check_texts

_HELP_NAMES = ("--help", "-h")


class Command(click.Command):
    """A command that is given text where it wants text."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.context_settings.setdefault("help_option_names", list(_HELP_NAMES))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words; raises BadParameter for one that is no text."""
        if not ctx.resilient_parsing:
            check_texts(self, ctx, args)
        return super().parse_args(ctx, args)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return ``--help``, which knows what can go wrong with stdout."""
        return _guard(super().get_help_option(ctx))


class Group(click.Group):
    """A group of such commands."""

    command_class = Command

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return ``--help``, which knows what can go wrong with stdout."""
        return _guard(super().get_help_option(ctx))


def print_and_end(ctx: click.Context, text: str) -> None:
    """Print what an option like ``--version`` shows, and end.

    Click by itself would end with a failure where nobody reads.
    """
    with told_as_stdout_faults():
        click.echo(text, color=ctx.color)
    ctx.exit()


def _guard(option: click.Option | None) -> click.Option | None:
    if option is not None:
        option.callback = _show_help
    return option


def _show_help(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        print_and_end(ctx, ctx.get_help())
