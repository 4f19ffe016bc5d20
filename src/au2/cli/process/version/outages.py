"""Telling that the server does not answer, and that it does again."""

import time
from collections.abc import Callable

from au2.cli.terminal import Terminal
from au2.client.patience import Patience


class Outages:
    """Tells of outages and of their ends, each once."""

    def __init__(self, terminal: Terminal, pause: Callable[[float], object]) -> None:
        """``pause``: sleeps for seconds between the tries."""
        self._terminal = terminal
        self._is_away = False
        self.patience = Patience(pause=pause, clock=time.monotonic, on_outage=self._begin)

    def end(self) -> None:
        """The server has answered."""
        if self._is_away:
            self._is_away = False
            self._terminal.remark("The server answers again; going on.")

    def _begin(self, seconds: float) -> None:
        self._is_away = True
        until = time.strftime("%H:%M:%S", time.localtime(time.time() + seconds))
        self._terminal.remark(f"The server does not answer; trying again until {until} …")
