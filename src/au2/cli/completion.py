"""`au2 completion`."""

import click

from au2.cli.commands import define
from au2.cli.session import Session


@define(
    "completion",
    examples=(
        'eval "$(au2 completion bash)"     # in ~/.bashrc',
        'eval "$(au2 completion zsh)"      # in ~/.zshrc',
        "au2 completion fish > ~/.config/fish/completions/au2.fish",
    ),
)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def command(session: Session, shell: str) -> None:
    """Print a script that completes commands in your shell.

    Processes, versions, runtimes and jobs are completed, too, where you are logged in.
    """
    from click.shell_completion import get_completion_class

    root = click.get_current_context().find_root().command
    made = get_completion_class(shell)
    assert made is not None  # noqa: S101 - the choice holds the names that click knows
    session.console.text(made(root, {}, "au2", "_AU2_COMPLETE").source())
