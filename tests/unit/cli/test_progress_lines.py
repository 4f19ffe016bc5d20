"""A line of progress gives way to whatever is said."""

import os
import termios
from collections.abc import Callable

import pytest

from au2.console.console import Console
from au2.domain.errors import Au2Error
from tests.unit.cli.conftest import Stream


@pytest.mark.parametrize(
    ("say", "said"),
    [
        (lambda console: console.remark("Away."), "Away.\n"),
        (lambda console: console.error(Au2Error("Broken.")), "error: Broken.\n"),
        (lambda console: console.line("data"), ""),
    ],
)
def test_what_is_said_takes_the_place_of_progress(
    say: Callable[[Console], None], said: str
) -> None:
    err = Stream(is_terminal=True)
    console = Console(Stream(), Stream(), err)

    console.redraw("sent 1 MiB")
    say(console)
    say(console)

    clear = "\r\x1b[K"
    assert err.content().decode() == f"{clear}sent 1 MiB{clear}{said}{said}"


@pytest.mark.parametrize(("columns", "shown"), [(0, "x" * 200), (80, "x" * 79)])
def test_progress_stays_on_one_line(columns: int, shown: str) -> None:
    reading, writing = os.openpty()
    with os.fdopen(reading, "rb", buffering=0) as seen, os.fdopen(writing, "w") as err:
        termios.tcsetwinsize(writing, (24, columns))
        Console(Stream(), Stream(), err).redraw("x" * 200)
        drawn = seen.read(1000)

    assert drawn.decode() == f"\r\x1b[K{shown}"
