"""A line of progress gives way to whatever is said."""

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
