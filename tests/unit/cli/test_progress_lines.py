"""A line of progress gives way to whatever is said."""

import os
import termios
from collections.abc import Callable

import pytest

from au2.cli.terminal import Terminal
from au2.domain.errors import Au2Error
from tests.unit.cli.conftest import Stream


@pytest.mark.parametrize(
    ("say", "said"),
    [
        (lambda terminal: terminal.remark("Away."), "Away.\n"),
        (lambda terminal: terminal.error(Au2Error("Broken.")), "error: Broken.\n"),
        (lambda terminal: terminal.line("data"), ""),
    ],
)
def test_what_is_said_takes_the_place_of_progress(
    say: Callable[[Terminal], None], said: str
) -> None:
    err = Stream(is_terminal=True)
    terminal = Terminal(Stream(), Stream(), err)

    terminal.redraw("sent 1 MiB")
    say(terminal)
    say(terminal)

    clear = "\r\x1b[K"
    assert err.content().decode() == f"{clear}sent 1 MiB{clear}{said}{said}"


@pytest.mark.parametrize(("columns", "shown"), [(0, "x" * 200), (80, "x" * 79)])
def test_progress_stays_on_one_line(columns: int, shown: str) -> None:
    reading, writing = os.openpty()
    with os.fdopen(reading, "rb", buffering=0) as seen, os.fdopen(writing, "w") as err:
        termios.tcsetwinsize(writing, (24, columns))
        Terminal(Stream(), Stream(), err).redraw("x" * 200)
        drawn = seen.read(1000)

    assert drawn.decode() == f"\r\x1b[K{shown}"
