"""Help that ends with examples, as that of ``au2`` does."""

from collections.abc import Callable

import click


def with_examples(*examples: str) -> Callable[[click.Command], click.Command]:
    """Let a command's help end with these, one a line, never wrapped, so that they can be copied.

    To stand above ``@click.command()``.
    """

    def decorate(command: click.Command) -> click.Command:
        title = "Example" if len(examples) == 1 else "Examples"
        lines = "".join(f"\n  {example}" for example in examples)
        # Click leaves a paragraph that begins with this character as it is.
        command.epilog = f"\b\n{title}:{lines}"
        return command

    return decorate
