"""``au2-server completion``."""

from au2.console.commands import (
    CommandSession,
    completion_argument,
    define,
    print_completion,
)


@define(
    "completion",
    examples=(
        'eval "$(au2-server completion bash)"     # in ~/.bashrc',
        'eval "$(au2-server completion zsh)"      # in ~/.zshrc',
        "au2-server completion fish > ~/.config/fish/completions/au2-server.fish",
    ),
)
@completion_argument
def command(session: CommandSession, shell: str) -> None:
    """Print a script that completes commands in your shell."""
    print_completion(session, shell)
