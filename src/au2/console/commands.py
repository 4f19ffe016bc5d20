"""The commands of both programs: what they are given is checked before they run."""

import click

from au2.console.failures import convert_stdout_errors
from au2.console.parameters import check_texts

_HELP_NAMES = ("--help", "-h")


class _HasHelp(click.Command):
    """A command with ``--help`` and ``-h``, whoever made the context it is asked in first."""

    def get_help_option_names(self, ctx: click.Context) -> list[str]:
        """Return the names; Click keeps the option that is made of them, so they never differ."""
        ctx.help_option_names = list(_HELP_NAMES)
        return super().get_help_option_names(ctx)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return ``--help``, which knows what can go wrong with stdout."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = _show_help
        return option


class Command(_HasHelp):
    """A command that is given text where it wants text."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words; raises BadParameter for one that is no text."""
        if not ctx.resilient_parsing:
            check_texts(self, ctx, args)
        return super().parse_args(ctx, args)


class Group(_HasHelp, click.Group):
    """A group of such commands."""

    command_class = Command


def print_and_end(ctx: click.Context, text: str) -> None:
    """Print what an option like ``--version`` shows, and end.

    Click by itself would end with a failure where nobody reads.
    """
    with convert_stdout_errors():
        click.echo(text, color=ctx.color)
    ctx.exit()


def _show_help(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        print_and_end(ctx, ctx.get_help())
