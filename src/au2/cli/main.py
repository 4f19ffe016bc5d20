"""Where `au2` starts and ends: arguments in, exit code out (spec section 4)."""

import io
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

import click

from au2.cli.root import make_root
from au2.cli.session import Session
from au2.cli.terminal import PipeClosed, Terminal, standard_terminal
from au2.domain.errors import Au2Error

_EXIT_FAILED = 1
_EXIT_USAGE = 2
_EXIT_INTERRUPTED = 130
_EXIT_PIPE_CLOSED = 141
_PLAIN_WORDS = {
    "a valid integer range": "a whole number",
    "a valid float range": "a number",
}
"""What click calls things, and what people do."""


def main() -> NoReturn:
    """Run the command line of this process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Never fail over a character that the terminal can't show.
            stream.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:], standard_terminal(), os.environ)
    try:
        sys.stdout.flush()
    except OSError:
        # What can't be written was told of; at exit it must not raise once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def run(arguments: Sequence[str], terminal: Terminal, environment: Mapping[str, str]) -> int:
    """Run one command and return its exit code."""
    session = Session(terminal, environment)
    try:
        code = make_root().main(arguments, prog_name="au2", standalone_mode=False, obj=session)
        terminal.flush()
    except Exception as error:  # noqa: BLE001 - the last door: all that is raised gets a sentence
        return _report(error, terminal, environment)
    except KeyboardInterrupt:
        return _EXIT_INTERRUPTED
    finally:
        session.close()
    return code if isinstance(code, int) else 0


def _report(error: Exception, terminal: Terminal, environment: Mapping[str, str]) -> int:
    if isinstance(error, Au2Error):
        terminal.error(error)
        return error.exit_code
    if isinstance(error, click.Abort):
        return _EXIT_INTERRUPTED
    if isinstance(error, click.ClickException):
        return _report_usage(error, terminal)
    if isinstance(error, PipeClosed):
        return _EXIT_PIPE_CLOSED
    if isinstance(error, OSError):
        place = f": {error.filename}" if error.filename else ""
        terminal.error(Au2Error(f"{error.strerror or error}{place}"))
        return _EXIT_FAILED
    if environment.get("AU_DEBUG"):
        raise error
    terminal.error(
        Au2Error(
            f"This is a mistake in au2 itself: {type(error).__name__}: {error}",
            hint="Please report it; with AU_DEBUG=1 set, the place is shown.",
        )
    )
    return _EXIT_FAILED


def _report_usage(error: click.ClickException, terminal: Terminal) -> int:
    context = getattr(error, "ctx", None)
    hint = f"See: {context.command_path} --help" if context is not None else None
    message = error.format_message()
    for clicks, ours in _PLAIN_WORDS.items():
        message = message.replace(clicks, ours)
    terminal.error(Au2Error(message, hint=hint))
    return _EXIT_USAGE if isinstance(error, click.UsageError) else error.exit_code


if __name__ == "__main__":
    main()
