"""What the command line is made of: groups that import late, and commands with examples."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from au2.cli.session import Session
from au2.console.commands import Command as CheckedCommand
from au2.console.commands import Group as CheckedGroup
from au2.console.console import FORMATS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Command(CheckedCommand):
    """A command whose help ends with examples."""

    def __init__(self, *arguments: Any, examples: Sequence[str], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, one a line, never wrapped, so that they can be copied."""
        title = "Example" if len(self.examples) == 1 else "Examples"
        with formatter.section(title):
            formatter.write("".join(f"  {example}\n" for example in self.examples))


class Group(CheckedGroup):
    """A group that knows its commands' names and summaries, and imports a command to run it only.

    The command ``token-info`` is in the module ``token_info`` of ``package``, as ``command``.
    """

    def __init__(
        self,
        name: str,
        *,
        package: str,
        help: str,  # noqa: A002 - click's name for it
        summaries: Mapping[str, str],
        elsewhere: Mapping[str, str] | None = None,
        params: list[click.Parameter] | None = None,
    ) -> None:
        super().__init__(
            name,
            help=help,
            params=params,
            no_args_is_help=False,
        )
        self._package = package
        self.summaries = dict(summaries)
        self._elsewhere = dict(elsewhere or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the manual."""
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in self.summaries:
            return None
        own = f"{self._package}.{cmd_name.replace('-', '_')}"
        module = import_module(self._elsewhere.get(cmd_name, own))
        found: click.Command = module.command
        return found

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show the help where no command was given."""
        if not args and not ctx.resilient_parsing:
            with suppress(OSError):
                click.echo(ctx.get_help(), err=True)
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for an unknown one say which was probably meant."""
        name = args[0]
        if name not in self.summaries and not ctx.resilient_parsing and not name.startswith("-"):
            from difflib import get_close_matches  # only needed for mistakes

            close = get_close_matches(name, self.summaries, n=3, cutoff=0.5)
            if any(f"--{name}" in option.opts for option in self.get_params(ctx)):
                close = [f"--{name}"]
            guess = f" Did you mean {' or '.join(close)}?" if close else ""
            ctx.fail(f"There is no command '{ctx.command_path} {name}'.{guess}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write names and summaries without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Complete names without importing a command."""
        from click.shell_completion import CompletionItem  # only needed while somebody types

        found = [
            CompletionItem(name, help=summary)
            for name, summary in self.summaries.items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)


def define(
    name: str, *, examples: Sequence[str], reads: bool = False
) -> Callable[[Callable[..., None]], Command]:
    """Make a command of a function that takes the :class:`Session` first.

    ``reads``: what it shows can also be had as JSON or YAML.
    """

    def decorate(function: Callable[..., None]) -> Command:
        made: Command = click.command(name, cls=Command, examples=examples)(
            click.pass_obj(function)
        )
        if reads:
            made.params.append(_output_option())
        made.params.append(server_option())
        return made

    return decorate


def server_option() -> click.Option:
    """Return ``--server``, which every command takes."""

    def use(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
        if value is not None:
            ctx.ensure_object(Session).stated_server = value

    return click.Option(
        ["--server"],
        metavar="URL",
        expose_value=False,
        callback=use,
        help="Address of the server (else AU_SERVER, else the last one logged in to).",
    )


def _output_option() -> click.Option:
    def use(ctx: click.Context, _: click.Parameter, value: str) -> None:
        ctx.ensure_object(Session).console.output_format = value

    return click.Option(
        ["-o", "--output"],
        type=click.Choice(FORMATS),
        default="table",
        show_default=True,
        expose_value=False,
        callback=use,
        help="How to show the data.",
    )
