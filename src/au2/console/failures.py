"""How a program ends: for whatever was raised, an exit code (spec section 4) and a sentence."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple

import click

from au2.domain.errors import Au2Error

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130
EXIT_PIPE_CLOSED: Final = 141
"""As a shell tells of a program that SIGPIPE ended."""
_MOST_LINE_CHARACTERS: Final = 1000
_PLAIN_WORDS: Final = {
    "a valid integer range": "a whole number",
    "a valid float range": "a number",
    "a valid integer": "a whole number",
    "a valid float": "a number",
}
"""What click calls things, and what people do."""


class PipeClosed(Exception):
    """Nobody reads our stdout any more."""


class Failure(NamedTuple):
    """What is left to do when a command ended by an exception."""

    exit_code: int
    error: Au2Error | None = None
    """To be told."""


def explain_failure(error: BaseException, environment: Mapping[str, str]) -> Failure:
    """Return how a program ends that was ended by ``error``.

    A mistake of ours is raised again where ``AU_DEBUG`` is set, so that its place is shown.
    """
    ending = _explain_foreseen(error)
    if ending is not None:
        return ending
    if environment.get("AU_DEBUG"):
        raise error
    return Failure(
        EXIT_FAILED,
        Au2Error(
            f"This is a mistake in au2 itself: {type(error).__name__}: {error}",
            hint="Please report it; with AU_DEBUG=1 set, the place is shown.",
        ),
    )


def format_error(error: Au2Error) -> list[str]:
    """Return what is printed of an error: the sentence, each mistake, and what to do next.

    What somebody wrote is quoted in many sentences; one of endless length is cut in its middle.
    """
    details = list(error.details)
    if len(details) == 1 and details[0].message in error.message:
        details = []  # It would be said twice.
    lines = [f"error: {error.message}", *(f"  {detail}" for detail in details)]
    if error.hint:
        lines.append(f"hint: {error.hint}")
    return ["\n".join(map(_shorten, line.split("\n"))) for line in lines]


def _shorten(line: str) -> str:
    if len(line) <= _MOST_LINE_CHARACTERS:
        return line
    half = _MOST_LINE_CHARACTERS // 2
    return f"{line[:half]} … {line[-half:]}"


@contextmanager
def convert_stdout_errors(lost: str = "") -> Iterator[None]:
    """Turn what goes wrong with stdout into what it means.

    Args:
        lost: what was to be printed, where somebody must know it although it was not.

    Raises:
        PipeClosed: nobody reads it. Click would take a BrokenPipeError for itself and end with a
            code that means failure here.
        Au2Error: it can't be written.
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
            ending = Failure(error.exit_code, error)
        case click.Abort() | KeyboardInterrupt():
            ending = Failure(EXIT_INTERRUPTED)
        case click.ClickException():
            ending = _explain_usage(error)
        case PipeClosed():
            ending = Failure(EXIT_PIPE_CLOSED)
        case SystemExit():
            ending = Failure(error.code if isinstance(error.code, int) else EXIT_FAILED)
        case OSError():
            place = f": {error.filename}" if error.filename else ""
            ending = Failure(EXIT_FAILED, Au2Error(f"{error.strerror or error}{place}"))
        case _:
            return None
    return ending


def _explain_usage(error: click.ClickException) -> Failure:
    context = getattr(error, "ctx", None)
    hint = f"See: {context.command_path} --help" if context is not None else None
    message = error.format_message()
    for clicks, ours in _PLAIN_WORDS.items():
        message = message.replace(clicks, ours)
    code = EXIT_USAGE if isinstance(error, click.UsageError) else error.exit_code
    return Failure(code, Au2Error(message, hint=hint))
