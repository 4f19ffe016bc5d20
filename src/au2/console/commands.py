"""Commands of both programs: checked words, help with examples, groups that import late."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from au2.console.console import FORMATS, Console
from au2.console.failures import convert_stdout_errors, explain_failure
from au2.console.parameters import check_texts
from au2.console.suggestions import suggest_commands
from au2.domain.errors import Au2Error

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_HELP_NAMES = ("--help", "-h")
_OUTPUT_NAMES = ("-o", "--output")


class CommandSession:
    """Console and environment of one run of a program: the first argument of commands."""

    def __init__(self, console: Console, environment: Mapping[str, str]) -> None:
        self.console = console
        self.environment = environment

    def close(self) -> None:
        """Release connections and files."""

    def adapt_error(self, error: Au2Error) -> Au2Error:
        """Return the error as it is printed."""
        return error


class _HasHelp(click.Command):
    """A command with ``--help`` and ``-h``, also where its first context had other names."""

    def get_help_option_names(self, ctx: click.Context) -> list[str]:
        """Return the names. Click caches the option made of them, so the names never differ."""
        ctx.help_option_names = list(_HELP_NAMES)
        return super().get_help_option_names(ctx)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return ``--help``, which reports an unwritable stdout."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = _show_help
        return option


class Command(_HasHelp):
    """A command with checked words, whose help ends with examples."""

    def __init__(self, *arguments: Any, examples: Sequence[str] = (), **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.examples = tuple(examples)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words; raises BadParameter for a word outside UTF-8."""
        # Click's own error for an option without its value knows no command to show the help of.
        with click.core.augment_usage_errors(ctx):
            if not ctx.resilient_parsing:
                check_texts(self, ctx, args)
            return super().parse_args(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, one a line, never wrapped, ready to be copied."""
        if not self.examples:
            return
        with formatter.section("Example" if len(self.examples) == 1 else "Examples"):
            formatter.write("".join(f"  {example}\n" for example in self.examples))


class Group(_HasHelp, click.Group):
    """A group of commands; those with a stated summary are imported when one of them runs.

    Args:
        name: as typed.
        help: of the group.
        package: package of the commands imported late: the command ``token-info`` is the
            ``command`` of its module ``token_info``.
        summaries: names of these commands, in the order of the help, each with its summary.
        addresses: ``module:attribute`` of commands outside ``package``, by name.
        hints: words that people type here → the words of the command that they mean.
        params: options of the group itself.
    """

    command_class = Command

    def __init__(
        self,
        name: str,
        *,
        help: str,  # noqa: A002 - click's name for it
        package: str = "",
        summaries: Mapping[str, str] | None = None,
        addresses: Mapping[str, str] | None = None,
        hints: Mapping[str, str] | None = None,
        params: list[click.Parameter] | None = None,
    ) -> None:
        super().__init__(name, help=help, params=params, no_args_is_help=False)
        self._package = package
        self._late = dict(summaries or {})
        self._addresses = dict(addresses or {})
        self._hints = dict(hints or {})

    @property
    def summaries(self) -> dict[str, str]:
        """Name → summary of each command, in the order of the help."""
        present = {name: _first_sentence(command) for name, command in self.commands.items()}
        return present | self._late

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help."""
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported if need be."""
        if cmd_name not in self._late:
            return self.commands.get(cmd_name)
        own = f"{self._package}.{cmd_name.replace('-', '_')}:command"
        module, _, attribute = self._addresses.get(cmd_name, own).partition(":")
        found: click.Command = getattr(import_module(module), attribute)
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
        """Return the command; the error for an unknown one names similar commands."""
        name, known = args[0], self.summaries
        if name not in known and not ctx.resilient_parsing and not name.startswith("-"):
            close = self._suggest(ctx, name)
            guess = f" Did you mean {' or '.join(close)}?" if close else ""
            ctx.fail(f"There is no command '{ctx.command_path} {name}'.{guess}")
        return super().resolve_command(ctx, args)

    def _suggest(self, ctx: click.Context, name: str) -> list[str]:
        """Return similar commands, the option of that name, or the command of another group."""
        if any(f"--{name}" in option.opts for option in self.get_params(ctx)):
            return [f"--{name}"]
        meant = self._hints.get(name.lower())
        if meant is not None:
            return [f"{ctx.command_path} {meant}"]
        if name.lower() in self.summaries:
            return [name.lower()]
        return suggest_commands(name.lower(), self.summaries)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write names and summaries without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Complete names without importing a command."""
        from click.shell_completion import CompletionItem  # only needed during completion

        found = [
            CompletionItem(name, help=summary)
            for name, summary in self.summaries.items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)


def define(
    name: str,
    *,
    examples: Sequence[str],
    group: Group | None = None,
    reads: bool = False,
    has_output: bool = True,
    options: Sequence[click.Option] = (),
) -> Callable[[Callable[..., None]], Command]:
    """Make a command of a function whose first argument is the :class:`CommandSession`.

    Args:
        name: as typed.
        examples: command lines for the help.
        group: the group of the command; None: a group imports the command late.
        reads: whether the command shows a table: ``--wide``.
        has_output: whether ``--output`` chooses between text, JSON and YAML.
        options: further options, last in the help.
    """

    def decorate(function: Callable[..., None]) -> Command:
        made: Command = click.command(name, cls=Command, examples=examples)(
            click.pass_obj(function)
        )
        made.params += [
            *([_output_option()] if has_output else []),
            *([_wide_option()] if reads else []),
            *options,
        ]
        if group is not None:
            group.add_command(made)
        return made

    return decorate


def version_option(program: str) -> click.Option:
    """Return ``--version``."""

    def show(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            from importlib.metadata import version  # slow, and rarely needed

            _print_and_exit(ctx, f"{program} {version('au2')}")

    return click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help="Show the version and end.",
    )


def completion_command(
    program: str, help_text: str, options: Sequence[click.Option] = ()
) -> Command:
    """Return the command ``completion`` of a program.

    Args:
        program: as typed.
        help_text: of the command.
        options: further options, last in the help.
    """

    @define(
        "completion",
        examples=(
            f'eval "$({program} completion bash)"     # in ~/.bashrc',
            f'eval "$({program} completion zsh)"      # in ~/.zshrc',
            f"{program} completion fish > ~/.config/fish/completions/{program}.fish",
        ),
        has_output=False,
        options=options,
    )
    @click.argument("shell", metavar="SHELL", type=click.Choice(("bash", "zsh", "fish")))
    def completion(session: CommandSession, shell: str) -> None:
        from click.shell_completion import get_completion_class

        root = click.get_current_context().find_root().command
        made = get_completion_class(shell)
        assert made is not None  # noqa: S101 - the choice holds the names that click knows
        variable = f"_{program.replace('-', '_').upper()}_COMPLETE"
        session.console.text(made(root, {}, program, variable).source())

    completion.help = help_text
    return completion


def _output_option() -> click.Option:
    def use(ctx: click.Context, _: click.Parameter, value: str) -> None:
        if isinstance(ctx.obj, CommandSession):
            ctx.obj.console.output_format = value
            ctx.obj.console.is_format_known = True

    return click.Option(
        list(_OUTPUT_NAMES),
        type=click.Choice(FORMATS),
        default="table",
        show_default=True,
        expose_value=False,
        # Before the other words, whose errors are in this format.
        is_eager=True,
        callback=use,
        help="Format of the output, and of an error.",
    )


def _wide_option() -> click.Option:
    def use(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        if isinstance(ctx.obj, CommandSession):
            ctx.obj.console.wants_wide = value

    return click.Option(
        ["--wide"],
        is_flag=True,
        expose_value=False,
        callback=use,
        help="All columns with whole values, however wide the terminal is.",
    )


def _find_format(arguments: Sequence[str]) -> str:
    """Return the format named in the words of a command line that could not be parsed."""
    found = "table"
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if word == "--":
            break
        if word in _OUTPUT_NAMES:
            stated = following
        elif word.startswith("--output="):
            stated = word.partition("=")[2]
        else:
            stated = word.removeprefix("-o") if word.startswith("-o") else ""
        found = stated if stated in FORMATS else found
    return found


def _first_sentence(command: click.Command) -> str:
    paragraph = " ".join((command.help or "").partition("\n\n")[0].split())
    sentence, stop, _ = paragraph.partition(". ")
    return f"{sentence}." if stop else sentence


def _print_and_exit(ctx: click.Context, text: str) -> None:
    # Click by itself would end with a failure where stdout is closed.
    with convert_stdout_errors():
        click.echo(text, color=ctx.color)
    ctx.exit()


def _show_help(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        _print_and_exit(ctx, ctx.get_help())


def run_program(
    root: click.Group, name: str, arguments: Sequence[str], session: CommandSession
) -> int:
    """Run one command; every exception becomes a message and an exit code.

    Args:
        root: the program's outermost group.
        name: of the program.
        arguments: words of the command line.
        session: passed to the command, and closed at the end.
    """
    console = session.console
    try:
        code = root.main(arguments, prog_name=name, standalone_mode=False, obj=session)
        console.finish()
    except BaseException as error:  # noqa: BLE001 - the last handler: every exception gets a message
        failure = explain_failure(error, session.environment)
        if isinstance(error, click.UsageError) and not console.is_format_known:
            console.output_format = _find_format(arguments)
        if failure.error is not None:
            console.error(session.adapt_error(failure.error), failure.exit_code)
        return failure.exit_code
    finally:
        session.close()
    return code if isinstance(code, int) else 0
