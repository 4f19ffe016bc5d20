"""`au2 completion`."""

from au2.cli.command import define
from au2.cli.session import Session
from au2.console.commands import completion_argument, print_completion


@define(
    "completion",
    examples=(
        'eval "$(au2 completion bash)"     # in ~/.bashrc',
        'eval "$(au2 completion zsh)"      # in ~/.zshrc',
        "au2 completion fish > ~/.config/fish/completions/au2.fish",
    ),
)
@completion_argument
def command(session: Session, shell: str) -> None:
    """Print a script that completes commands in your shell.

    Processes, versions, runtimes and jobs are completed, too, where you are logged in.
    """
    print_completion(session, shell)
