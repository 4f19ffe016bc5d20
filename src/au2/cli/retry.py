"""Retries of commands: a budget that tells on the console of outages and their end."""

import time
from collections.abc import Callable

from au2.console.console import Console
from au2.domain.retry import RetryBudget


def make_retry_budget(
    console: Console, pause: Callable[[float], object] = time.sleep
) -> RetryBudget:
    """Return a retry budget that tells of outages; ``pause`` sleeps for seconds."""

    def tell_outage(seconds: float) -> None:
        until = time.strftime("%H:%M:%S", time.localtime(time.time() + seconds))
        console.remark(f"The server does not answer; trying again until {until} …")

    return RetryBudget(
        pause=pause,
        clock=time.monotonic,
        on_outage=tell_outage,
        on_return=lambda: console.remark("The server answers again; going on."),
    )
