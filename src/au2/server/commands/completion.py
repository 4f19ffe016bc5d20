"""``au2-server completion``."""

import click
from click.shell_completion import get_completion_class

from au2.console.commands import Command
from au2.server.commands.examples import with_examples
from au2.server.terminal import show_text


@with_examples(
    'eval "$(au2-server completion bash)"     # in ~/.bashrc',
    'eval "$(au2-server completion zsh)"      # in ~/.zshrc',
    "au2-server completion fish > ~/.config/fish/completions/au2-server.fish",
)
@click.command(cls=Command)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Print a script that completes commands in your shell."""
    root = click.get_current_context().find_root().command
    made = get_completion_class(shell)
    assert made is not None  # noqa: S101 - the choice holds the names that click knows
    show_text(made(root, {}, "au2-server", "_AU2_SERVER_COMPLETE").source())
