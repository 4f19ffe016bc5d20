"""Waiting for what comes by itself, in a test that must not wait for ever."""

import time
from collections.abc import Callable

_PATIENCE_SECONDS = 60


def wait_until(holds: Callable[[], bool]) -> None:
    """Return once it holds; fail if it does not in good time, which is long on a busy machine."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.01)
