"""What operators are asked for."""

import sys

import click

from au2.files.input import decode_text

_LIMIT_BYTES = 1 << 14


def read_password(from_stdin: bool) -> str:
    """Return a password: the first line of standard input, or what is typed twice.

    Raises:
        UsageError: there is nobody to ask, or nothing on standard input.
        InvalidRequest: it is no text in UTF-8.
    """
    if from_stdin:
        return _read_line()
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for a password: use --password-stdin.")
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return answer


def _read_line() -> str:
    line = sys.stdin.buffer.readline(_LIMIT_BYTES)
    password = decode_text(line, "standard input").rstrip("\r\n")
    if not password:
        raise click.UsageError("There is no password on standard input.")
    return password
