"""What operators are asked for."""

import sys

import click


def read_password(from_stdin: bool) -> str:
    """Return a password: the first line of standard input, or what is typed twice.

    Raises:
        UsageError: there is nobody to ask.
    """
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for a password: use --password-stdin.")
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return answer
