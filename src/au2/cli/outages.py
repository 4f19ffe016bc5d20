"""Telling that the server does not answer, and that it does again."""

import time
from collections.abc import Callable

from au2.client.patience import Patience
from au2.console.console import Console


def make_patience(console: Console, pause: Callable[[float], object] = time.sleep) -> Patience:
    """Return patience with the server that tells of outages; ``pause`` sleeps for seconds."""

    def tell_outage(seconds: float) -> None:
        until = time.strftime("%H:%M:%S", time.localtime(time.time() + seconds))
        console.remark(f"The server does not answer; trying again until {until} …")

    return Patience(
        pause=pause,
        clock=time.monotonic,
        on_outage=tell_outage,
        on_return=lambda: console.remark("The server answers again; going on."),
    )
