"""Exit code (spec section 4) and message of a program for each exception."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple, NoReturn

import click

from au2.domain.errors import Au2Error, InvalidRequest

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130
EXIT_PIPE_CLOSED: Final = 141
"""The exit code of a shell for a program ended by SIGPIPE."""
_MOST_LINE_CHARACTERS: Final = 1000
_PLAIN_WORDS: Final = {
    "a valid integer range": "a whole number",
    "a valid float range": "a number",
    "a valid integer": "a whole number",
    "a valid float": "a number",
}
"""Words of Click → words of au2."""
_OPTIONAL_ARGUMENT: Final = re.compile(r"^Invalid value for '\[([^\[\]]+)\](?:\.\.\.)?'")
_SURPLUS_ARGUMENTS: Final = re.compile(r"Got unexpected extra arguments? \((.*)\)", re.DOTALL)


class PipeClosed(Exception):
    """The reader of stdout is gone."""


class Failure(NamedTuple):
    """Exit code and message of a command ended by an exception."""

    exit_code: int
    error: Au2Error | None = None
    """For the message; None: no message."""


def explain_failure(error: BaseException, environment: Mapping[str, str]) -> Failure:
    """Return exit code and message for ``error``.

    An unforeseen exception is raised again where ``AU_DEBUG`` is set, for its traceback.
    """
    failure = _explain_foreseen(error)
    if failure is not None:
        return failure
    if environment.get("AU_DEBUG"):
        raise error
    return Failure(
        EXIT_FAILED,
        Au2Error(
            f"This is a bug in au2: {type(error).__name__}: {error}",
            hint="Please report it; AU_DEBUG=1 shows the traceback.",
        ),
    )


def format_error(error: Au2Error) -> list[str]:
    """Return the printed lines of an error: sentence, details, hint.

    Messages quote values of users; a very long line is cut in its middle.
    """
    details = list(error.details)
    if len(details) == 1 and details[0].message in error.message:
        details = []  # The message says the same.
    lines = [f"error: {error.message}", *(f"  {detail}" for detail in details)]
    if error.hint:
        lines.append(f"hint: {error.hint}")
    return ["\n".join(map(_shorten, line.split("\n"))) for line in lines]


def _shorten(line: str) -> str:
    if len(line) <= _MOST_LINE_CHARACTERS:
        return line
    half = _MOST_LINE_CHARACTERS // 2
    return f"{line[:half]} … {line[-half:]}"


def exit_failed(code: int | None) -> NoReturn:
    """End the command with ``code``, or with 1.

    A run can fail although its program ended with 0; a failure never passes for success.
    """
    raise click.exceptions.Exit((code or 1) & 0xFF or 1)


@contextmanager
def convert_stdout_errors(lost: str = "") -> Iterator[None]:
    """Convert the errors of writing stdout.

    Args:
        lost: text for the message, where the output is needed although printing failed.

    Raises:
        PipeClosed: the reader is gone. Click would handle a BrokenPipeError by itself, with an
            exit code for failures.
        Au2Error: any other error.
    """
    try:
        yield
    except BrokenPipeError:
        raise PipeClosed from None
    except OSError as error:
        more = f" This was not printed: {lost}" if lost else ""
        message = f"Standard output can't be written: {error.strerror or error}.{more}"
        raise Au2Error(message) from error


def _explain_foreseen(error: BaseException) -> Failure | None:
    match error:
        case Au2Error():
            failure = Failure(error.exit_code, error)
        case click.Abort() | KeyboardInterrupt():
            failure = Failure(EXIT_INTERRUPTED)
        case click.ClickException():
            failure = _explain_usage(error)
        case PipeClosed():
            failure = Failure(EXIT_PIPE_CLOSED)
        case SystemExit():
            failure = Failure(error.code if isinstance(error.code, int) else EXIT_FAILED)
        case OSError():
            place = f": {error.filename}" if error.filename else ""
            failure = Failure(EXIT_FAILED, Au2Error(f"{error.strerror or error}{place}"))
        case _:
            return None
    return failure


def _explain_usage(error: click.ClickException) -> Failure:
    context = getattr(error, "ctx", None)
    hint = f"See: {context.command_path} --help" if context is not None else None
    message = _OPTIONAL_ARGUMENT.sub(r"Invalid value for '\1'", error.format_message())
    for clicks, ours in _PLAIN_WORDS.items():
        message = message.replace(clicks, ours)
    surplus = _SURPLUS_ARGUMENTS.fullmatch(message)
    if surplus is not None:
        message = f"Too many arguments: {surplus[1]}."
    if context is not None and (surplus is not None or isinstance(error, click.MissingParameter)):
        usage = " ".join([context.command_path, *context.command.collect_usage_pieces(context)])
        hint = f"Usage: {usage}; see {context.command_path} --help"
    code = EXIT_USAGE if isinstance(error, click.UsageError) else error.exit_code
    return Failure(code, InvalidRequest(message, hint=hint))
